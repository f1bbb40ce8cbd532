//! The keys `logFile`, `logLevel`, `logToStderr` and `logOptions`.

use std::{path::PathBuf, time::Duration};

use super::Level;
use crate::{error::Error, net_conf::Keys};

/// What is logged, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConf {
    /// `logFile`.
    pub file: Option<PathBuf>,
    /// `logLevel`: `panic` unless it is set.
    pub level: Level,
    /// `logLevel`, if it is none. That is said, and is no error: [`level`](Self::level) is `panic` then.
    pub unknown_level: Option<String>,
    /// `logToStderr`: true unless it is set.
    pub to_stderr: bool,
    /// `logOptions`.
    pub options: LogOptions,
}

/// How the log file is rotated: `logOptions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// `maxAge`: how old a backup may become; `None`, written 0, is for ever.
    pub max_age: Option<Duration>,
    /// `maxSize`, which is written in megabytes (1 MB = 1048576 bytes), in bytes: a file is not grown beyond it.
    pub max_bytes: u64,
    /// `maxBackups`: how many backups are kept; `None`, written 0, is all of them.
    pub max_backups: Option<usize>,
    /// `compress`: whether backups are compressed.
    pub compress: bool,
}

const DAY: u64 = 24 * 60 * 60;
const MEGABYTE: u64 = 1 << 20;

/// Multus's own defaults, and what its own `0` stands for in `maxSize`.
const MAX_AGE: u64 = 5;
const MAX_SIZE: u64 = 100;
const MAX_BACKUPS: u64 = 5;

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            max_age: Some(Duration::from_secs(MAX_AGE * DAY)),
            max_bytes: MAX_SIZE * MEGABYTE,
            max_backups: usize::try_from(MAX_BACKUPS).ok(),
            compress: true,
        }
    }
}

impl Default for LogConf {
    fn default() -> Self {
        Self {
            file: None,
            level: Level::default(),
            unknown_level: None,
            to_stderr: true,
            options: LogOptions::default(),
        }
    }
}

impl LogConf {
    /// Reads the keys out of a network configuration.
    ///
    /// # Errors
    /// A value of the wrong JSON type. DEL goes on with the default then.
    pub(crate) fn read(keys: &Keys) -> Result<Self, Error> {
        let level = keys
            .get::<String>("logLevel", "a text")?
            .filter(|level| !level.is_empty());
        let known = level.as_ref().map(|level| level.parse::<Level>());
        Ok(Self {
            file: keys
                .get::<PathBuf>("logFile", "a path")?
                .filter(|path| !path.as_os_str().is_empty()),
            level: known.and_then(Result::ok).unwrap_or_default(),
            unknown_level: level.filter(|_| known.is_some_and(|known| known.is_err())),
            to_stderr: keys.get("logToStderr", "true or false")?.unwrap_or(true),
            options: keys
                .get::<Keys>("logOptions", "an object")?
                .map_or_else(|| Ok(LogOptions::default()), |keys| LogOptions::read(&keys))?,
        })
    }
}

impl LogOptions {
    fn read(keys: &Keys) -> Result<Self, Error> {
        // As Multus has it, what is below 0 is 0.
        let number = |key, wanted, default| {
            keys.get::<i64>(key, wanted)
                .map(|value| value.map_or(default, |value| u64::try_from(value).unwrap_or(0)))
                .map_err(inside)
        };
        let days = number("maxAge", "a number of days", MAX_AGE)?;
        let megabytes = match number("maxSize", "a number of megabytes", MAX_SIZE)? {
            0 => MAX_SIZE,
            megabytes => megabytes,
        };
        let backups = number("maxBackups", "a number of files", MAX_BACKUPS)?;
        Ok(Self {
            max_age: (days > 0).then(|| Duration::from_secs(days.saturating_mul(DAY))),
            max_bytes: megabytes.saturating_mul(MEGABYTE),
            max_backups: (backups > 0).then(|| usize::try_from(backups).unwrap_or(usize::MAX)),
            compress: keys
                .get("compress", "true or false")
                .map_err(inside)?
                .unwrap_or(true),
        })
    }
}

/// Errors name the key that stands in the configuration, and then the one in its object.
fn inside(error: Error) -> Error {
    match error {
        Error::Key { key, problem } => Error::Key {
            key: "logOptions",
            problem: format!("at {key:?} {problem}"),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LogConf, Error> {
        LogConf::read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn defaults() {
        for text in [
            "{}",
            r#"{"logFile":"","logLevel":"","logOptions":{}}"#,
            r#"{"logFile":null,"logLevel":null,"logToStderr":null,"logOptions":null}"#,
            r#"{"logOptions":{"maxAge":null,"maxSize":0,"maxBackups":5,"other":1}}"#,
        ] {
            assert_eq!(read(text).unwrap(), LogConf::default(), "{text}");
        }
        let conf = LogConf::default();
        assert!(conf.to_stderr && conf.options.compress);
        assert_eq!(conf.level, Level::Panic);
        assert_eq!(conf.options.max_bytes, 104_857_600);
        assert_eq!(conf.options.max_age, Some(Duration::from_secs(432_000)));
        assert_eq!(conf.options.max_backups, Some(5));
    }

    #[test]
    fn every_key_in_any_case() {
        let conf = read(
            r#"{"LogFile":"/var/log/multus.log","LOGLEVEL":"Debug","logtostderr":false,
                "LogOptions":{"MaxAge":1,"maxsize":2,"MAXBACKUPS":3,"Compress":false}}"#,
        );
        assert_eq!(
            conf.unwrap(),
            LogConf {
                file: Some(PathBuf::from("/var/log/multus.log")),
                level: Level::Debug,
                unknown_level: None,
                to_stderr: false,
                options: LogOptions {
                    max_age: Some(Duration::from_secs(86_400)),
                    max_bytes: 2_097_152,
                    max_backups: Some(3),
                    compress: false,
                },
            }
        );
    }

    #[test]
    fn no_limits() {
        for number in ["0", "-3"] {
            let text = format!(r#"{{"logOptions":{{"maxAge":{number},"maxBackups":{number}}}}}"#);
            let options = read(&text).unwrap().options;
            assert_eq!((options.max_age, options.max_backups), (None, None));
        }
        let options =
            read(r#"{"logOptions":{"maxAge":9223372036854775807,"maxSize":9223372036854775807}}"#);
        assert_eq!(options.unwrap().options.max_bytes, u64::MAX);
    }

    #[test]
    fn an_unknown_level_is_no_error() {
        let conf = read(r#"{"logLevel":"info"}"#).unwrap();
        assert_eq!(conf.level, Level::Panic);
        assert_eq!(conf.unknown_level.as_deref(), Some("info"));
    }

    #[test]
    fn wrong_types() {
        for (text, words) in [
            (r#"{"logFile":1}"#, "a path"),
            (r#"{"logLevel":true}"#, "a text"),
            (r#"{"logToStderr":"yes"}"#, "true or false"),
            (r#"{"logOptions":[]}"#, "an object"),
            (r#"{"logOptions":{"maxAge":"5"}}"#, "maxAge"),
            (r#"{"logOptions":{"maxSize":1.5}}"#, "logOptions"),
            (
                r#"{"logOptions":{"maxBackups":99999999999999999999}}"#,
                "a number of files",
            ),
            (r#"{"logOptions":{"compress":1}}"#, "compress"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code(), 7, "{text}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
