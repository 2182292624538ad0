//! Where a password comes from: `--password-file`, `LOCKSTEP_PASSWORD`, or the terminal, which
//! shows nothing of it. Never from an argument: those can be seen by everybody on a machine.
use crate::config::key::refuse_if_loose;
use crate::environment::{PASSWORD_VARIABLE, variable};
use crate::failure::Failure;
use crate::input::Input;
use crate::output::{ask, tell};
use clap::Args;
use std::fs::File;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Longer than any password. The buffer never grows, so no copy is left behind.
const BYTES_MAX: usize = 1_024;

/// `--password-file`
#[derive(Args, Clone, Debug)]
pub(crate) struct Password {
    /// A file or a pipe (/dev/stdin, <(…)) whose first line is the password of the key [env: LOCKSTEP_PASSWORD is the password]
    #[arg(long, value_name = "FILE", global = true)]
    password_file: Option<PathBuf>,
}

type Text = Zeroizing<String>;

impl Password {
    /// The password that opens a key.
    pub(crate) fn existing(&self, name: &str) -> Result<Text, Failure> {
        match self.given()? {
            Some(password) => Ok(password),
            None => prompt(&format!("Password of {name}: ")),
        }
    }

    /// A password for a new key: typed twice, if it is typed.
    pub(crate) fn new_one(&self, name: &str) -> Result<Text, Failure> {
        if let Some(password) = self.given()? {
            return Ok(password);
        }
        let password = prompt(&format!("New password of {name}: "))?;
        let again = prompt("The same again: ")?;
        if *password == *again {
            Ok(password)
        } else {
            Err(Failure::usage("the two passwords differ: try again"))
        }
    }

    fn given(&self) -> Result<Option<Text>, Failure> {
        let password = match &self.password_file {
            Some(path) => Some(first_line(path)?),
            None => variable(PASSWORD_VARIABLE)?.map(Zeroizing::new),
        };
        password.map(not_empty).transpose()
    }
}

fn not_empty(password: Text) -> Result<Text, Failure> {
    if password.is_empty() {
        Err(Failure::usage(
            "an empty password protects nothing: give one",
        ))
    } else {
        Ok(password)
    }
}

fn first_line(path: &Path) -> Result<Text, Failure> {
    let at = path.display();
    let bytes = Input {
        path: path.to_owned(),
        what: "password",
        bytes_max: BYTES_MAX,
        check: refuse_if_loose,
        is_enough: |bytes| bytes.contains(&b'\n'),
    };
    let bytes = bytes.read()?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = std::str::from_utf8(line).ok();
    let line = line.filter(|_| bytes.len() < BYTES_MAX).ok_or_else(|| {
        Failure::usage(format!(
            "the password file {at} is no text of less than {BYTES_MAX} bytes: write the password \
             into its first line"
        ))
    })?;
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(unix)]
fn prompt(words: &str) -> Result<Text, Failure> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let terminal = terminal.map_err(|_| nobody_there())?;
    let quiet = terminal::Quiet::new(&terminal).map_err(|_| nobody_there())?;
    ask(words);
    let typed = terminal::line(&terminal);
    drop(quiet);
    tell!("");
    not_empty(typed?)
}

#[cfg(not(unix))]
fn prompt(_: &str) -> Result<Text, Failure> {
    Err(nobody_there())
}

fn nobody_there() -> Failure {
    Failure::usage(format!(
        "there is no terminal to ask for the password: give --password-file FILE or \
         {PASSWORD_VARIABLE}"
    ))
}

/// The terminal, byte by byte: then Ctrl-C comes here, and leaves no terminal without an echo.
#[cfg(unix)]
mod terminal {
    use super::{BYTES_MAX, Failure, Text, Zeroizing, nobody_there};
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use std::fs::File;
    use std::io::Read;

    const INTERRUPT: u8 = 0x03;
    const END: u8 = 0x04;
    const BACKSPACES: [u8; 2] = [0x08, 0x7f];

    /// Shows nothing of what is typed until it is dropped.
    pub(super) struct Quiet<'a> {
        terminal: &'a File,
        before: Termios,
    }

    impl Quiet<'_> {
        pub(super) fn new(terminal: &File) -> std::io::Result<Quiet<'_>> {
            let before = tcgetattr(terminal)?;
            let mut modes = before.clone();
            modes
                .local_modes
                .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            tcsetattr(terminal, OptionalActions::Flush, &modes)?;
            Ok(Quiet { terminal, before })
        }
    }

    impl Drop for Quiet<'_> {
        fn drop(&mut self) {
            // The terminal may have gone.
            let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
        }
    }

    pub(super) fn line(mut terminal: &File) -> Result<Text, Failure> {
        let mut typed = Zeroizing::new(Vec::with_capacity(BYTES_MAX));
        loop {
            let mut byte = [0];
            match terminal.read(&mut byte) {
                Ok(1) => {}
                _ => return Err(nobody_there()),
            }
            match byte {
                [b'\n' | b'\r' | END] => break,
                [INTERRUPT] => return Err(Failure::retry("interrupted: nothing was done")),
                [byte] if BACKSPACES.contains(&byte) => take_back(&mut typed),
                [_] if typed.len() + 1 >= BYTES_MAX => {
                    return Err(Failure::usage("no password is that long: try again"));
                }
                [byte] => typed.push(byte),
            }
        }
        let typed = std::str::from_utf8(&typed).map(str::to_owned);
        let typed = typed.map_err(|_| Failure::usage("the password is no text: try again"))?;
        Ok(Zeroizing::new(typed))
    }

    /// One character, which may have several bytes.
    fn take_back(typed: &mut Vec<u8>) {
        while let Some(byte) = typed.pop() {
            if byte & 0xc0 != 0x80 {
                return;
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::take_back;

        #[test]
        fn a_backspace_takes_a_whole_character_back() {
            let mut typed = "aä€".as_bytes().to_vec();
            for rest in ["aä", "a", "", ""] {
                take_back(&mut typed);
                assert_eq!(typed, rest.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of_file(text: &[u8]) -> Result<Text, Failure> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("password");
        fs::write(&path, text).expect("it is written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("chmod");
        }
        let password_file = Some(path);
        Password { password_file }.existing("savings")
    }

    #[test]
    fn a_password_file_holds_it_in_its_first_line() {
        for text in ["word", "word\n", "word\r\n", "word\nmore\n"] {
            let password = of_file(text.as_bytes()).expect(text);
            assert_eq!(*password, "word", "{text:?}");
        }
        assert_eq!(*of_file(b" a b ").expect("text"), " a b ");
    }

    #[test]
    fn an_empty_one_a_long_one_and_one_that_is_no_text_are_refused() {
        for wrong in [&b""[..], b"\nword", &[b'a'; 1_024], b"\xff\n"] {
            assert_eq!(of_file(wrong).expect_err("refused").exit_code, 2);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("password");
        fs::write(&path, "word").expect("it is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
        let refused = Password {
            password_file: Some(path),
        };
        let refused = refused.existing("savings").expect_err("refused");
        assert!(refused.message.contains("chmod 600"), "{}", refused.message);
    }
}
