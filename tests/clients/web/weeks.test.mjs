// The parts of the web UI that reckon: weeks, zones and clocks.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { model, numbers } from "./model.mjs";

const [week, mask, clock] = await Promise.all(["week", "mask", "clock"].map(model));

describe("weeks", () => {
  const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
  const listed = (words, prefix) =>
    Object.fromEntries(Object.entries(words).map(([name, word]) => [name.replace("schedule_", prefix), Number(word)]));
  const lit = (all) => all.flatMap((day, index) => day.flatMap((on, quarter) => (on ? [[index, quarter]] : [])));
  const random = (next) => {
    const all = week.empty();
    for (let stroke = next(12); stroke > 0; stroke -= 1) {
      const [day, from] = [next(7), next(96)];
      all[day].fill(next(4) > 0, from, from + 1 + next(96));
    }
    return all;
  };

  test("the least bit of a day's first word is its first quarter-hour (Q7)", () => {
    const bits = (name) =>
      lit(
        week.read(
          { ...Object.fromEntries(days.flatMap((day) => [0, 1, 2].map((at) => [`p_${day}_${at}`, 0]))), [name]: 1 },
          "p_",
        ),
      );
    assert.deepEqual(bits("p_sun_0"), [[0, 0]]);
    assert.deepEqual(bits("p_mon_1"), [[1, 32]]);
    assert.deepEqual(bits("p_sat_2"), [[6, 64]]);
  });

  test("all 32 bits of a word are written without a sign, and read with one", () => {
    const all = week.empty();
    all[3].fill(true, 32, 64);
    all[6][95] = true;
    const words = week.words(all);
    assert.deepEqual([words.schedule_wed_1, words.schedule_sat_2], ["4294967295", "2147483648"]);
    assert.equal(Object.keys(words).length, 21);
    const vars = { ...listed(words, "s_"), s_wed_1: -1, s_sat_2: -2147483648 };
    assert.deepEqual(week.read(vars, "s_"), all);
  });

  test("words and text bring any week back", () => {
    const next = numbers(3);
    for (let run = 0; run < 300; run += 1) {
      const all = random(next);
      assert.deepEqual(week.read(listed(week.words(all), "alarm_schedule_"), "alarm_schedule_"), all);
      assert.deepEqual(week.parse(week.text(all)), all, week.text(all));
    }
  });

  test("days that are alike and follow one another are one line, and a week begins on Monday", () => {
    for (const text of [
      "",
      "Mon-Sun 00:00-24:00",
      "Mon-Fri 08:00-12:00, 13:00-17:30\nSun 23:45-24:00",
      "Mon 00:00-00:15\nWed 00:00-00:15",
    ]) {
      assert.equal(week.text(week.parse(text)), text);
    }
  });

  test("a time that ends before it begins goes on into the next day, also from Saturday into Sunday", () => {
    assert.equal(week.text(week.parse("Mon 22:00-06:00")), "Mon 22:00-24:00\nTue 00:00-06:00");
    assert.equal(week.text(week.parse("Sat 23:00-01:00")), "Sat 23:00-24:00\nSun 00:00-01:00");
    assert.deepEqual(lit(week.parse("Sat 23:45-00:15")), [
      [0, 0],
      [6, 95],
    ]);
    assert.equal(week.text(week.parse("Sun 23:45-00:15")), "Mon 00:00-00:15\nSun 23:45-24:00");
    assert.equal(lit(week.parse("Mon 06:00-06:00")).length, 96);
  });

  test("people write it in several ways", () => {
    const same = (one, other) => assert.deepEqual(week.parse(one), week.parse(other), one);
    same("  mon - fri   8:00 - 9:30 ", "Mon-Fri 08:00-09:30");
    same("Monday, sunday 08:00–09:30", "Mon 08:00-09:30\nSun 08:00-09:30");
    same("Sat-Mon 01:00-02:00", "Sat 01:00-02:00\nSun 01:00-02:00\nMon 01:00-02:00");
    same("Wed", "Wed 00:00-24:00");
    same("Mon-Sun", "Mon-Sat\n\n\r\nSun\r\n");
    same("Mon 01:00-02:00\nMon 01:30-03:00", "Mon 01:00-03:00");
  });

  for (const [text, line, why] of [
    ["22:00-06:00", 1, "days"],
    ["Mon\nFoo 22:00-06:00", 2, "days"],
    ["Mon\n\n Tue-Wed-Thu 22:00-06:00", 3, "days"],
    ["Mon- 22:00-06:00", 1, "days"],
    ["<img src=x> 22:00-06:00", 1, "days"],
    ["Mon 22-06", 1, "times"],
    ["Mon 22:00-06:00,", 1, "times"],
    ["Mon 24:00-06:00", 1, "times"],
    ["Mon 22:00-24:15", 1, "times"],
    ["Mon 22:60-23:00", 1, "times"],
    ["Mon 22:00-99:00", 1, "times"],
    ["Mon\nTue\nWed 22:10-23:00", 3, "quarter"],
    ["Mon 22:00-23:01", 1, "quarter"],
  ]) {
    test(`“${text.replaceAll("\n", "⏎")}” is wrong in line ${line}: ${why}`, () => {
      assert.throws(
        () => week.parse(text),
        (error) => error instanceof week.NoWeek && error.line === line && error.why === `week.${why}`,
      );
    });
  }

  test("it is known when a schedule turns next, around the week's end too", () => {
    const all = week.parse("Sat 23:00-01:00");
    assert.equal(week.turns(all, 6, 0), 92);
    assert.equal(week.turns(all, 6, 95), 5);
    assert.equal(week.turns(all, 0, 4), 6 * 96 + 88);
    assert.equal(week.turns(week.empty(), 3, 50), undefined);
    assert.equal(week.turns(week.parse("Mon-Sun"), 3, 50), undefined);
    const quarter = week.parse("Tue 12:00-12:15");
    assert.equal(week.turns(quarter, 2, 48), 1);
    assert.equal(week.turns(quarter, 2, 49), 7 * 96 - 1);
  });
});

describe("zones", () => {
  test("cells are bits from the top left on, the highest first", () => {
    const all = mask.read(`8${"0".repeat(190)}1`);
    assert.deepEqual(
      all.flatMap((off, at) => (off ? [at] : [])),
      [0, mask.COLUMNS * mask.ROWS - 1],
    );
    assert.equal(all.length, 768);
  });

  test("no digits watch everything, and so does what watches everything say", () => {
    assert.ok(!mask.read("").includes(true));
    assert.equal(mask.write(mask.read("")), "");
    assert.equal(mask.write(mask.read("0".repeat(192))), "");
    assert.equal(mask.write(mask.read("f".repeat(192))), "F".repeat(192));
    assert.ok(!mask.read("nonsense").slice(32).includes(true));
  });

  test("any zones come back", () => {
    const next = numbers(4);
    for (let run = 0; run < 100; run += 1) {
      const digits = Array.from({ length: 192 }, () => "0123456789ABCDEF"[next(16)]).join("");
      assert.equal(mask.write(mask.read(digits)), digits);
      assert.deepEqual(mask.read(mask.write(mask.read(digits))), mask.read(digits.toLowerCase()));
    }
  });
});

describe("clocks", () => {
  test("local time is west of UTC by the zone, and later in summer (Q6)", () => {
    const at = (vars) => clock.local({ now: 1352782970, ...vars }).toISOString();
    assert.equal(at({ tz: 0, daylight_saving_time: 0 }), "2012-11-13T05:02:50.000Z");
    assert.equal(at({ tz: 18000, daylight_saving_time: 0 }), "2012-11-13T00:02:50.000Z");
    assert.equal(at({ tz: -3600, daylight_saving_time: 3600 }), "2012-11-13T07:02:50.000Z");
  });

  test("zones are offered by what everybody calls them, each once", () => {
    const zones = clock.zones();
    const named = new Map(zones.map(([west, name]) => [name, west]));
    assert.deepEqual(
      ["UTC+00:00", "UTC+05:45", "UTC−03:30", "UTC+14:00", "UTC−12:00"].map((name) => named.get(name)),
      [0, -20700, 12600, -50400, 43200],
    );
    assert.ok(zones.every(([west]) => !Object.is(west, -0) && west >= -50400 && west <= 50400));
    assert.equal(named.size, zones.length);
    assert.deepEqual(clock.summers("none"), [
      [0, "none"],
      [1800, "+00:30"],
      [3600, "+01:00"],
      [7200, "+02:00"],
    ]);
  });

  for (const [zone, west, summer] of [
    ["UTC", 0, 0],
    ["Asia/Kolkata", -19800, 0],
    ["Europe/Berlin", -3600, 3600],
    ["America/St_Johns", 12600, 3600],
    ["Australia/Sydney", -36000, 3600],
    ["Australia/Lord_Howe", -37800, 1800],
  ]) {
    test(`a browser in ${zone} has its zone without summer time`, () => {
      const before = process.env.TZ;
      process.env.TZ = zone;
      try {
        const { tz, daylight_saving_time: more } = clock.browser();
        assert.equal(tz, String(west));
        assert.ok(["0", String(summer)].includes(more), more);
        assert.equal(Number(tz) - Number(more), new Date().getTimezoneOffset() * 60);
      } finally {
        if (before === undefined) delete process.env.TZ;
        else process.env.TZ = before;
      }
    });
  }
});
