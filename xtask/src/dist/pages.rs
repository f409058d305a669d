//! Manual pages and completions, made from the command line's own definition: what is not in it cannot be in them.

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// What lookout(1) has beyond the definition: in roff.
const BEHIND: &str = r"
.SH FILES
.TP
\fI/etc/lookout/lookout.toml\fR
The configuration of this machine. What may be in it: \fI/usr/share/doc/lookout/manual/config.md\fR
.TP
\fI/var/lib/lookout\fR
The settings of the camera, its log, its own certificate, and what waits for a server.
.SH EXIT STATUS
0 done; 1 failed; 2 wrong command line; 78 wrong configuration, or a state folder that only a person can put right.
.SH SEE ALSO
.BR systemctl (1),
\fI/usr/share/doc/lookout/manual/README.md\fR
";

/// Returns the manual pages of the command and its subcommands, with their file names.
///
/// # Errors
/// Cannot fail, but for what is written to.
pub fn manual_pages(command: Command) -> Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = vec![page(&command, BEHIND)?];
    for task in command.get_subcommands().filter(|task| !task.is_hide_set()) {
        pages.push(page(task, "\n.SH SEE ALSO\n.BR lookout (1)\n")?);
    }
    Ok(pages)
}

fn page(command: &Command, behind: &str) -> Result<(String, Vec<u8>)> {
    let man = Man::new(command.clone()).manual("Lookout");
    let mut text = Vec::new();
    man.render(&mut text)?;
    text.extend(behind.trim_start().as_bytes());
    Ok((man.get_filename(), text))
}

/// Returns what completes the command in bash, zsh and fish, with the place below /usr/share where that shell looks for it.
pub fn completions(mut command: Command) -> [(&'static str, Vec<u8>); 3] {
    let shells = [
        (Shell::Bash, "bash-completion/completions/lookout"),
        (Shell::Zsh, "zsh/vendor-completions/_lookout"),
        (Shell::Fish, "fish/vendor_completions.d/lookout.fish"),
    ];
    shells.map(|(shell, place)| {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command, "lookout", &mut text);
        (place, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_manual_page_that_says_what_it_does() {
        let pages = manual_pages(lookout::cli::command()).unwrap();
        let command = lookout::cli::command();
        let tasks = command.get_subcommands().map(|task| format!("lookout-{}.1", task.get_name()));
        let expected: Vec<_> = ["lookout.1".to_owned()].into_iter().chain(tasks).collect();
        assert!(expected.len() > 5);
        assert_eq!(pages.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), expected);
        for (name, text) in &pages {
            let text = std::str::from_utf8(text).unwrap();
            assert!(text.contains(".SH NAME") && text.contains(".SH SEE ALSO"), "{name}");
        }
    }

    #[test]
    fn completions_know_the_subcommands_and_options() {
        for (place, text) in completions(lookout::cli::command()) {
            let text = String::from_utf8(text).unwrap();
            assert!(["passwd", "drill", "microphone", "tls-listen"].iter().all(|word| text.contains(word)), "{place}");
        }
    }
}
