use std::fmt;
use std::io;
use std::path::PathBuf;

/// One thing that is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The setting, e.g. `trunk.carrier.password_file`; empty where the file as a whole cannot be read as TOML.
    pub setting: String,
    pub reason: String,
}

/// Why a configuration was refused: everything that is wrong with it, in the order of the file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "{}: cannot be read: {source}; name the file with --config, or print a new one with `ponte-gateway \
         example-config`",
        .path.display()
    )]
    Read { path: PathBuf, source: io::Error },
    #[error("{}", Lines { path, problems })]
    Invalid { path: PathBuf, problems: Vec<Problem> },
}

struct Lines<'a> {
    path: &'a PathBuf,
    problems: &'a [Problem],
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{}:{}: ", self.path.display(), problem.line, problem.column)?;
            if !problem.setting.is_empty() {
                write!(f, "{}: ", problem.setting)?;
            }
            f.write_str(&problem.reason)?;
        }
        Ok(())
    }
}
