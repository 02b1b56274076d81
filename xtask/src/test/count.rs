//! Reads each runner's own totals out of its output.

/// What a suite came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Ignored or skipped: shown, never counted as passed.
    pub(crate) skipped: u64,
    /// Names of failed tests, as far as the runner tells them.
    pub(crate) failures: Vec<String>,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }

    /// One check without a runner of its own.
    pub(crate) fn of_check(name: &str, passed: bool) -> Self {
        if passed {
            Self {
                passed: 1,
                ..Self::default()
            }
        } else {
            Self {
                failed: 1,
                failures: vec![name.to_owned()],
                ..Self::default()
            }
        }
    }
}

/// Whose output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// libtest, doc tests, and wasm-bindgen-test-runner: `test result: ok. 3 passed; 0 failed; …`.
    Cargo,
    /// `node --test`, spec or TAP: `# pass 3`, `ℹ fail 0`.
    Node,
    /// Playwright's list or line reporter: `  3 passed (4.2s)`.
    Playwright,
}

/// Reads lines as they come.
#[derive(Debug)]
pub(crate) struct Reader {
    runner: Runner,
    /// libtest prints a total for each binary: these add up.
    totals: Counts,
    /// Tests seen to pass so far, for the live line.
    running: u64,
    seen_total: bool,
    /// What the runner printed about its failures.
    details: Vec<String>,
    in_details: bool,
}

/// More than this nobody reads on a terminal; the log has the rest.
const DETAIL_LINES: usize = 80;

impl Reader {
    pub(crate) fn new(runner: Runner) -> Self {
        Self {
            runner,
            totals: Counts::default(),
            running: 0,
            seen_total: false,
            details: Vec::new(),
            in_details: false,
        }
    }

    /// What the runner printed about its failures, as far as it is told apart from the rest.
    pub(crate) fn details(&self) -> &[String] {
        &self.details
    }

    /// Takes one line; answers with what to show while the suite runs.
    pub(crate) fn line(&mut self, line: &str) -> Option<String> {
        match self.runner {
            Runner::Cargo => self.cargo_line(line),
            Runner::Node => self.node_line(line),
            Runner::Playwright => self.playwright_line(line),
        }
    }

    /// The totals. A run that failed without saying so, or that never came to a total, counts as one failure.
    pub(crate) fn finish(self, name: &str, succeeded: bool) -> Counts {
        let mut counts = self.totals;
        if (!succeeded && counts.failed == 0) || !self.seen_total {
            counts.failed += 1;
            counts.failures.push(format!("{name}: ended without a result"));
        }
        counts
    }

    fn cargo_line(&mut self, line: &str) -> Option<String> {
        if line == "failures:" || line.starts_with("error[") || line.starts_with("error:") {
            self.in_details = true;
        }
        if let Some(total) = cargo_total(line) {
            self.in_details = false;
            self.seen_total = true;
            self.totals.add(total);
            return None;
        }
        if let Some(test) = line.strip_prefix("test ") {
            if let Some(name) = test.strip_suffix(" ... FAILED") {
                self.totals.failures.push(name.to_owned());
                return None;
            }
            if let Some(name) = test.strip_suffix(" ... ok") {
                self.running += 1;
                return Some(format!("{} passed · {name}", self.running));
            }
        }
        let next_binary = ["Running ", "Doc-tests "]
            .iter()
            .any(|word| line.trim_start().starts_with(word));
        self.in_details &= !next_binary;
        if self.in_details {
            if self.details.len() < DETAIL_LINES {
                self.details.push(line.to_owned());
            }
            return None;
        }
        let trimmed = line.trim_start();
        ["Compiling", "Running", "Doc-tests", "Blocking", "Downloading"]
            .iter()
            .any(|word| trimmed.starts_with(word))
            .then(|| trimmed.to_owned())
    }

    fn node_line(&mut self, line: &str) -> Option<String> {
        let line = line.trim();
        if let Some(total) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
            let mut words = total.split_whitespace();
            if let (Some(word), Some(Ok(number)), None) =
                (words.next(), words.next().map(str::parse::<u64>), words.next())
            {
                match word {
                    "pass" => {
                        self.totals.passed = number;
                        self.seen_total = true;
                    }
                    "fail" | "cancelled" => self.totals.failed += number,
                    "skipped" | "todo" => self.totals.skipped += number,
                    _ => {}
                }
            }
            return None;
        }
        if let Some(name) = line.strip_prefix("not ok ").or_else(|| line.strip_prefix("✖ ")) {
            if name != "failing tests:" && !self.totals.failures.iter().any(|seen| seen == name) {
                self.totals.failures.push(name.to_owned());
            }
            return None;
        }
        let passed = line.strip_prefix("ok ").or_else(|| line.strip_prefix("✔ "))?;
        self.running += 1;
        Some(format!("{} passed · {passed}", self.running))
    }

    fn playwright_line(&mut self, line: &str) -> Option<String> {
        let plain = without_colour(line);
        let text = plain.trim();
        if let Some((number, word)) = playwright_total(text) {
            match word {
                "passed" => {
                    self.totals.passed += number;
                    self.seen_total = true;
                }
                "failed" | "timed out" | "interrupted" | "did not run" => {
                    self.totals.failed += number;
                    self.seen_total = true;
                }
                // Needed a retry: it works, but the name is worth a look.
                "flaky" => {
                    self.totals.passed += number;
                    self.seen_total = true;
                    self.totals.failures.push(format!("{number} flaky"));
                }
                _ => self.totals.skipped += number,
            }
            return None;
        }
        if let Some(name) = text.strip_prefix("✘ ") {
            self.totals.failures.push(name.trim().to_owned());
            return None;
        }
        let passed = text.strip_prefix("✓ ")?;
        self.running += 1;
        Some(format!("{} passed · {}", self.running, passed.trim()))
    }
}

fn cargo_total(line: &str) -> Option<Counts> {
    let rest = line.trim_start().strip_prefix("test result: ")?;
    let (_, numbers) = rest.split_once(". ")?;
    let mut counts = Counts::default();
    for part in numbers.split(';') {
        let mut words = part.split_whitespace();
        let (Some(number), Some(word)) = (words.next(), words.next()) else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match word {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" => counts.skipped = number,
            _ => {}
        }
    }
    Some(counts)
}

fn playwright_total(text: &str) -> Option<(u64, &str)> {
    let (number, rest) = text.split_once(' ')?;
    let number = number.parse().ok()?;
    let word = rest.split_once(" (").map_or(rest, |(word, _)| word);
    [
        "passed",
        "failed",
        "flaky",
        "skipped",
        "did not run",
        "interrupted",
        "timed out",
    ]
    .into_iter()
    .find(|known| *known == word)
    .map(|known| (number, known))
}

fn without_colour(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Counts, Reader, Runner};

    fn read(runner: Runner, text: &str, succeeded: bool) -> Counts {
        let mut reader = Reader::new(runner);
        for line in text.lines() {
            reader.line(line);
        }
        reader.finish("suite", succeeded)
    }

    #[test]
    fn cargo_totals_of_all_binaries_add_up() {
        let text = "\
running 2 tests
test a ... ok
test b ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests ponte_media
test result: ok. 5 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 1.20s
";
        let counts = read(Runner::Cargo, text, true);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (7, 0, 3));
    }

    #[test]
    fn cargo_failures_are_named() {
        let text = "\
test sip::t04_far_leg_waits ... FAILED
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let counts = read(Runner::Cargo, text, false);
        assert_eq!((counts.passed, counts.failed), (0, 1));
        assert_eq!(counts.failures, ["sip::t04_far_leg_waits"]);
    }

    #[test]
    fn the_words_of_a_failed_test_are_kept() {
        let text = "\
test a ... FAILED

failures:

---- a stdout ----
left: 1, right: 2

failures:
    a

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/b.rs
";
        let mut reader = Reader::new(Runner::Cargo);
        for line in text.lines() {
            reader.line(line);
        }
        assert!(reader.details().iter().any(|line| line == "left: 1, right: 2"));
        assert!(!reader.details().iter().any(|line| line.contains("Running")));
    }

    #[test]
    fn failures_of_later_binaries_are_named_too() {
        let text = "\
test a ... FAILED
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass `--lib`
     Running tests/b.rs
test b ... FAILED
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let counts = read(Runner::Cargo, text, false);
        assert_eq!(counts.failed, 2);
        assert_eq!(counts.failures, ["a", "b"]);
    }

    #[test]
    fn a_compile_error_is_one_failure() {
        let counts = read(Runner::Cargo, "error[E0425]: cannot find value `x`", false);
        assert_eq!((counts.passed, counts.failed), (0, 1));
    }

    #[test]
    fn a_crash_after_green_binaries_is_one_failure() {
        let text = "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                    error: test failed, to rerun pass `--lib`\n  (signal: 11, SIGSEGV: invalid memory reference)";
        let counts = read(Runner::Cargo, text, false);
        assert_eq!((counts.passed, counts.failed), (4, 1));
    }

    #[test]
    fn success_without_any_total_is_one_failure() {
        assert_eq!(read(Runner::Cargo, "", true).failed, 1);
        assert_eq!(read(Runner::Node, "", true).failed, 1);
        assert_eq!(read(Runner::Playwright, "", true).failed, 1);
    }

    #[test]
    fn node_spec_and_tap_agree() {
        let tap = "ok 1 - signs in\nnot ok 2 - signs out\n# tests 4\n# pass 1\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0";
        let spec = "✔ signs in (3ms)\n✖ signs out (4ms)\nℹ tests 4\nℹ pass 1\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 0";
        for text in [tap, spec] {
            let counts = read(Runner::Node, text, false);
            assert_eq!(
                (counts.passed, counts.failed, counts.skipped),
                (1, 2, 1),
                "{text}"
            );
            assert_eq!(counts.failures.len(), 1, "{text}");
        }
    }

    #[test]
    fn playwright_summary_counts_what_did_not_run_as_failed() {
        let text = "\
Running 6 tests using 1 worker
  ✓  1 [desktop] › call.spec.ts:4:5 › dials (2.1s)
  ✘  2 [desktop] › call.spec.ts:9:5 › hangs up (1.0s)
  1 failed
    [desktop] › call.spec.ts:9:5 › hangs up
  1 skipped
  2 did not run
  2 passed (12.3s)
";
        let counts = read(Runner::Playwright, text, false);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (2, 3, 1));
        assert_eq!(
            counts.failures,
            ["2 [desktop] › call.spec.ts:9:5 › hangs up (1.0s)"]
        );
    }

    #[test]
    fn playwright_colours_are_ignored() {
        let counts = read(
            Runner::Playwright,
            "\x1b[32m  3 passed\x1b[39m\x1b[2m (4.2s)\x1b[22m",
            true,
        );
        assert_eq!((counts.passed, counts.failed), (3, 0));
    }

    #[test]
    fn prose_that_looks_like_a_total_is_not_one() {
        let mut reader = Reader::new(Runner::Playwright);
        reader.line("3 passed messages were logged");
        assert_eq!(reader.finish("suite", true).passed, 0);
    }
}
