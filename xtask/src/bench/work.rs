//! What single pieces of work cost inside the daemon: its own functions, called over and over on one core, in turns with
//! the least that could be done instead, or with ffmpeg, where that is installed. Times are CPU time, so that whatever else
//! the machine does costs little but cache.

mod motion;
mod window;

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use lookout_core::media::{
    adpcm,
    asf::{Kind, Muxer, PACKET, Packets},
    g711,
    sound::{BLOCK, Chunk, RATE, Track},
};

use super::{
    outcome::median,
    picture::Picture,
    process::pin,
    report::{number, spread},
    stamp::{Stamp, thread_cpu_ns},
};

/// A piece of work, beside something else, with what each cost in each round.
pub struct Work {
    title: &'static str,
    /// Of what the figures are.
    unit: &'static str,
    beside: &'static str,
    reference: Vec<f64>,
    daemon: Vec<f64>,
}

/// Does something many times and returns what it cost, in the unit of the work; nothing, if it cannot be done here.
type Cost<'a> = Box<dyn FnMut() -> Result<Option<f64>> + 'a>;

/// How long something is done over and over for one figure.
const BATCH: Duration = Duration::from_millis(20);
/// The measured picture.
const PICTURE: usize = 50_000;
/// What ffmpeg is to make of it: blocks as ours. With `-trellis 3` it follows eight ways at once; our encoder follows up to
/// 178, but gives up those that fall behind.
const ADPCM: [&str; 4] = ["-c:a", "adpcm_ima_wav", "-block_size", "256"];
/// The sound given to ffmpeg.
const SOUND: Duration = Duration::from_secs(300);

/// Measures all of it on one core.
pub fn measure(core: usize, quick: bool) -> Result<Vec<Work>> {
    let rounds = if quick { 2 } else { 15 };
    eprintln!("work: what single pieces of work cost");
    // Only this thread is pinned, and what it starts.
    let measured = thread::spawn(move || -> Result<Vec<Work>> {
        pin(core)?;
        let folder = tempfile::tempdir()?;
        let mut all = muxing(rounds)?;
        all.extend(sounding(rounds, folder.path())?);
        all.extend(motion::measure(rounds)?);
        all.extend(window::measure(rounds)?);
        Ok(all)
    });
    measured.join().ok().context("the measuring thread panicked")?
}

/// Writes the table in Markdown.
pub fn table(work: &[Work]) -> String {
    if work.is_empty() {
        return String::new();
    }
    let mut text =
        "| work | of | beside | reference | Lookout | ratio (least–most) |\n|---|---|---|---|---|---|\n".to_owned();
    for Work { title, unit, beside, reference, daemon } in work {
        let ratios = daemon.iter().zip(reference).map(|(daemon, reference)| daemon / reference).collect();
        let (reference, daemon) = (median(&mut reference.clone()), median(&mut daemon.clone()));
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "| {title} | {unit} | {beside} | {} | {} | {} |",
            number(reference),
            number(daemon),
            spread(ratios)
        );
    }
    text
}

/// Does both in turns.
fn in_turns(
    rounds: usize,
    [title, unit, beside]: [&'static str; 3],
    mut reference: Cost<'_>,
    mut daemon: Cost<'_>,
) -> Result<Work> {
    let mut work = Work { title, unit, beside, reference: Vec::new(), daemon: Vec::new() };
    for _ in 0..rounds {
        work.reference.extend(reference()?);
        work.daemon.extend(daemon()?);
    }
    Ok(work)
}

/// Does something over and over and returns the CPU nanoseconds of it, divided by `of`.
fn cost<'a>(of: f64, mut work: impl FnMut() + 'a) -> Cost<'a> {
    Box::new(move || {
        let (began, before) = (Instant::now(), thread_cpu_ns());
        let mut times = 0_u32;
        while began.elapsed() < BATCH {
            for _ in 0..16 {
                work();
            }
            times += 16;
        }
        Ok(Some((thread_cpu_ns() - before) as f64 / f64::from(times) / of))
    })
}

/// Copies bytes, for comparison.
fn copy<'a>(of: f64, bytes: &'a [u8]) -> Cost<'a> {
    let mut to = bytes.to_vec();
    cost(of, move || black_box(&mut to).copy_from_slice(black_box(bytes)))
}

/// Returns the packets of a media object.
fn laid(kind: Kind, object: &[u8]) -> Packets {
    let mut packets = Packets::default();
    packets.lay(kind, object);
    packets
}

/// What it costs to make ASF of a picture and of a block of sound.
fn muxing(rounds: usize) -> Result<Vec<Work>> {
    let mut picture = Picture::new(PICTURE)?;
    let jpeg = picture.stamped(Stamp { seq: 1, at_ns: 1 });
    let begin = Instant::now();
    let now = begin + Duration::from_secs(1);
    let bytes = laid(Kind::Picture, jpeg).bytes().to_vec();
    let packets = (bytes.len() / PACKET) as f64;
    ensure!(packets > 1.0, "a picture of {packets} packets");

    let lay = |of| {
        let mut into = Packets::default();
        cost(of, move || black_box(&mut into).lay(Kind::Picture, black_box(jpeg)))
    };
    let stamp = |of, kind, object: &[u8]| {
        let (mut muxer, mut packets) = (Muxer::new(begin), laid(kind, object));
        cost(of, move || {
            let stamped = muxer.stamp(black_box(&mut packets), begin, now);
            black_box(&stamped);
        })
    };
    let sound = adpcm::encode(&tone(RATE, 1));
    let block = laid(Kind::Sound, &sound);
    let sounds = {
        let mut into = Packets::default();
        cost(1.0, move || black_box(&mut into).lay(Kind::Sound, black_box(&sound)))
    };

    let once = "a picture of 50 KB laid out as ASF, once for all viewers";
    let each = "the same picture stamped for one viewer";
    let rows = [
        ([once, "ns a packet", "memcpy"], copy(packets, &bytes), lay(packets)),
        ([once, "µs", "memcpy"], copy(1000.0, &bytes), lay(1000.0)),
        ([each, "ns a packet", "memcpy"], copy(packets, &bytes), stamp(packets, Kind::Picture, jpeg)),
        ([each, "µs", "memcpy"], copy(1000.0, &bytes), stamp(1000.0, Kind::Picture, jpeg)),
        (["a block of sound laid out, once for all", "ns", "memcpy"], copy(1.0, block.bytes()), sounds),
        (
            ["the same block stamped for one viewer", "ns", "memcpy"],
            copy(1.0, block.bytes()),
            stamp(1.0, Kind::Sound, &sound),
        ),
    ];
    rows.into_iter().map(|(words, reference, daemon)| in_turns(rounds, words, reference, daemon)).collect()
}

/// What it costs to resample and encode sound.
fn sounding(rounds: usize, folder: &Path) -> Result<Vec<Work>> {
    let (plain, wide) = (folder.join("plain"), folder.join("wide"));
    write(&plain, RATE, 1)?;
    write(&wide, 48_000, 2)?;
    let samples = SOUND.as_secs_f64() * f64::from(RATE);
    let second = 1000.0 * SOUND.as_secs_f64();
    let block = tone(RATE, 1);
    let of_block = BLOCK as f64;
    let encode = || cost(of_block, || _ = black_box(adpcm::encode(black_box(&block[..BLOCK]))));
    let law = cost(of_block, || _ = black_box(g711::encode(black_box(&block[..BLOCK]))));
    // ffmpeg takes long to start: fewer rounds are enough, for each is of five minutes of sound.
    let few = rounds.min(5);
    let in_ffmpeg = |of, path, rate, channels, output| ffmpeg(of, path, rate, channels, output);
    Ok(vec![
        in_turns(
            few,
            ["a sample encoded as ADPCM, once for all", "ns", "ffmpeg"],
            in_ffmpeg(samples, &plain, RATE, 1, &ADPCM),
            encode(),
        )?,
        in_turns(
            few,
            ["a sample encoded as ADPCM, once for all", "ns", "ffmpeg -trellis 3"],
            in_ffmpeg(samples, &plain, RATE, 1, &[&ADPCM[..], &["-trellis", "3"]].concat()),
            encode(),
        )?,
        in_turns(
            few,
            ["a sample encoded as mu-law", "ns", "ffmpeg"],
            in_ffmpeg(samples, &plain, RATE, 1, &["-c:a", "pcm_mulaw"]),
            law,
        )?,
        in_turns(
            few,
            ["a second of 48 kHz stereo laid on the track", "µs", "ffmpeg"],
            in_ffmpeg(second, &wide, 48_000, 2, &["-ar", "8000", "-ac", "1", "-c:a", "pcm_s16le"]),
            track(48_000, 2),
        )?,
        in_turns(
            few,
            ["a second of 8 kHz mono laid on the track", "µs", "ffmpeg"],
            in_ffmpeg(second, &plain, RATE, 1, &["-c:a", "pcm_s16le"]),
            track(RATE, 1),
        )?,
    ])
}

/// Lays pieces of 20 ms on a track, as a sound card delivers them, and cuts the blocks off.
fn track<'a>(rate: u32, channels: u16) -> Cost<'a> {
    let begin = Instant::now();
    let mut track = Track::new(begin);
    let second = tone(rate, channels);
    let piece = (rate / 50) as usize * usize::from(channels);
    let mut heard = Chunk { captured: begin, rate, channels, samples: Vec::new() };
    // Microseconds of a second.
    cost(1000.0, move || {
        for samples in second.chunks(piece) {
            heard.samples.clear();
            heard.samples.extend_from_slice(samples);
            let end = heard.captured + Duration::from_millis(20);
            track.feed(black_box(&heard), end);
            heard.captured = end;
            while let Some(block) = track.cut() {
                black_box(block);
            }
        }
    })
}

/// Returns a second of two tones and some noise, the same in each channel.
fn tone(rate: u32, channels: u16) -> Vec<i16> {
    let mut random = 0x2545_F491_u32;
    let mut sample = |at: u32| {
        // xorshift: the same noise in every run
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let wave = |hertz: f64| (f64::from(at) * hertz * std::f64::consts::TAU / f64::from(rate)).sin();
        (wave(440.0) * 8000.0 + wave(1330.0) * 3000.0) as i16 + (random % 2000) as i16 - 1000
    };
    (0..rate).flat_map(|at| std::iter::repeat_n(sample(at), channels.into())).collect()
}

/// Writes the sound that ffmpeg gets.
fn write(path: &Path, rate: u32, channels: u16) -> Result<()> {
    let second: Vec<u8> = tone(rate, channels).into_iter().flat_map(i16::to_le_bytes).collect();
    let mut file = fs::File::create(path)?;
    (0..SOUND.as_secs()).try_for_each(|_| file.write_all(&second))?;
    Ok(())
}

/// Has ffmpeg encode a file, and returns its CPU time without that of its start, in nanoseconds divided by `of`.
fn ffmpeg<'a>(of: f64, path: &'a Path, rate: u32, channels: u16, output: &'a [&'a str]) -> Cost<'a> {
    let run = move |seconds: &str| -> Result<Option<f64>> {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "info", "-benchmark", "-threads", "1", "-t", seconds, "-f", "s16le"]);
        command.args(["-ar", &rate.to_string(), "-ac", &channels.to_string(), "-i"]).arg(path).args(output);
        let Ok(output) = command.args(["-f", "null", "-"]).stdin(Stdio::null()).output() else { return Ok(None) };
        // bench: utime=0.123s stime=0.004s rtime=0.130s
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ffmpeg: {said}");
        let line =
            said.split(['\r', '\n']).find(|line| line.starts_with("bench: utime=")).context("no times of ffmpeg")?;
        let times = line.split(' ').filter_map(|word| word.split_once("time="));
        let cpu = times.filter(|(which, _)| *which != "r").map(|(_, time)| time.trim_end_matches('s').parse::<f64>());
        Ok(Some(cpu.sum::<Result<f64, _>>()? * 1e9))
    };
    Box::new(move || {
        let (start, whole) = (run("0.1")?, run(&SOUND.as_secs().to_string())?);
        Ok(start.zip(whole).map(|(start, whole)| (whole - start) / of))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_piece_of_work_and_none_is_empty() {
        let work = Work { title: "t", unit: "ns", beside: "b", reference: vec![2.0, 4.0], daemon: vec![4.0, 4.0] };
        let lone = Work { reference: Vec::new(), ..Work { title: "l", unit: "ns", beside: "b", ..work_of(3.0) } };
        let text = table(&[work, lone]);
        assert!(text.contains("| t | ns | b | 3.00 | 4.00 | 1.50 (1.00–2.00) |"), "{text}");
        assert!(text.contains("| l | ns | b | – | 3.00 | – |"), "{text}");
        assert_eq!(table(&[]), "");
    }

    fn work_of(daemon: f64) -> Work {
        Work { title: "", unit: "", beside: "", reference: Vec::new(), daemon: vec![daemon] }
    }
}
