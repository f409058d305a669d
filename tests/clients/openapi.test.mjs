// The description of the CGIs: valid by the schema of OpenAPI 3.1, and true of the camera that serves it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { admin, camera, load, query } from "./camera.mjs";

const lookout = await camera("openapi");
const { Validator } = await import(load.resolve("@seriousme/openapi-schema-validator"));
const text = await (await fetch(`${lookout.http}/openapi.json`)).text();
const description = JSON.parse(text);

test("the description is valid", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(description);
  assert.ok(valid, JSON.stringify(errors, null, 2));
  assert.equal(validator.version, "3.1");
});

test("the validator does find what is wrong", async () => {
  const broken = JSON.parse(text);
  broken.paths["/snapshot.cgi"].get.parameters[0].in = "nowhere";
  assert.equal((await new Validator().validate(broken)).valid, false);
});

/** Finds the operations that only show something. */
const shown = Object.entries(description.paths).filter(([, { get }]) => get?.["x-guard"] === "read");

test("whatever lists something lists what it is said to list", async () => {
  const lists = shown.filter(([, { get }]) => get.responses["200"]["x-vars"] && get.responses["200"]["x-vars"].length > 1);
  assert.ok(lists.length >= 6);
  for (const [path, { get }] of lists) {
    const lines = (await (await fetch(`${lookout.http}${path}?${query(admin)}`)).text()).split("\n").slice(0, -1);
    const said = get.responses["200"]["x-vars"].map(({ name }) => name);
    assert.deepEqual(lines.map((line) => /^var (\w+)=/.exec(line)[1]), said, path);
  }
});

test("whoever needs a login says so, and asks for one", async () => {
  for (const [path, { get }] of shown) {
    const { status } = await fetch(`${lookout.http}${path.replace("{device}", "2")}`, { method: "HEAD" });
    assert.equal(status === 401, get.security.length > 0, `${path}: ${status}`);
  }
});
