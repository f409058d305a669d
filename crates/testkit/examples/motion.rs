//! Shows the motion detector all scenes and prints docs/motion.md; takes some minutes.
//!
//! ```text
//! cargo run --release --package lookout-testkit --example motion > docs/motion.md
//! ```

fn main() {
    print!("{}", lookout_testkit::motion::page());
}
