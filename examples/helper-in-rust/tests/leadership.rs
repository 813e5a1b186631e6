//! The charm on two units, in virtual time: `tenure drill --lines` is told what to do, a line for
//! each command, and answers each with a line of JSON. Nothing but the standard library is used.
//!
//! `TENURE` names the command, unless it is on the `PATH`.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

#[test]
fn leadership_moves_and_each_helper_knows_it() {
    let mut stage = Stage::new("moves");
    stage.deploys_two();
    assert_eq!(stage.says("get message web/0"), "leads, turn 1");
    assert_eq!(stage.says("get message web/1"), "follows, turn 1");

    stage.says("elect web/1");
    assert_eq!(stage.says("get message web/1"), "leads, turn 2");
    assert_eq!(stage.says("get leader web"), "web/1");
}

#[test]
fn a_turn_is_not_counted_by_a_leader_that_is_lost_on_its_way() {
    let mut stage = Stage::new("lost");
    stage.deploys_two();
    stage.says("halt web/1 leader-elected leader-set");
    stage.says("elect web/1 --no-wait");
    stage.says("reached");
    stage.says("cut-off web/1");
    stage.says("pass 61s");
    stage.says("expect leader web = web/0");
    stage.says("go-on");
    stage.says("expect call web/1 leader-set code = 1");
    stage.says("expect setting web turns = 2");
    let refused = stage.ask("elect web/1").unwrap_err();
    assert!(refused.contains("cut off"), "{}", refused);
    stage.says("reconnect web/1");
    assert_eq!(stage.says("get message web/1"), "follows, turn 2");
}

/// A stage, and the charm that it runs: a copy that holds nothing of Cargo's.
struct Stage {
    tenure: Child,
    /// None once the stage is to end.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    charm: PathBuf,
}

impl Stage {
    fn new(name: &str) -> Stage {
        let charm = staged_charm(name);
        let tenure = env::var("TENURE").unwrap_or_else(|_| String::from("tenure"));
        let mut tenure = Command::new(&tenure)
            .args(["drill", "--lines"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|fault| panic!("cannot run {}: {}: set TENURE", tenure, fault));
        let commands = tenure.stdin.take();
        let answers = BufReader::new(tenure.stdout.take().unwrap());
        Stage {
            tenure,
            commands,
            answers,
            charm,
        }
    }

    fn deploys_two(&mut self) {
        let charm = self.charm.display().to_string();
        self.says(&format!("deploy '{}' web units=2", charm));
    }

    /// What the command answers; the test fails if it is refused.
    fn says(&mut self, command: &str) -> String {
        match self.ask(command) {
            Ok(answer) => answer,
            Err(fault) => panic!("{}: {}\n{}", command, fault, self.ask("get story").unwrap()),
        }
    }

    fn ask(&mut self, command: &str) -> Result<String, String> {
        writeln!(self.commands.as_mut().unwrap(), "{}", command).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        read_answer(&line)
    }
}

impl Drop for Stage {
    /// The end of its input ends the stage, and all that runs on it.
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.tenure.wait();
        let _ = fs::remove_dir_all(&self.charm);
    }
}

/// `{"ok":true,"answer":"..."}` or `{"ok":false,"error":"..."}`, always written like that.
fn read_answer(line: &str) -> Result<String, String> {
    let line = line.trim_end();
    let text = |begin: &str| {
        let inner = line.strip_prefix(begin)?.strip_suffix("\"}")?;
        Some(unescaped(inner))
    };
    if let Some(answer) = text("{\"ok\":true,\"answer\":\"") {
        return Ok(answer);
    }
    Err(text("{\"ok\":false,\"error\":\"").unwrap_or_else(|| format!("no answer: {:?}", line)))
}

/// A text in JSON, as it was.
fn unescaped(text: &str) -> String {
    let mut found = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            found.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => found.push('\n'),
            Some('t') => found.push('\t'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).unwrap_or(0xfffd);
                found.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            Some(other) => found.push(other),
            None => {}
        }
    }
    found
}

/// A copy of the charm with the helper that Cargo has built.
fn staged_charm(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let charm = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&charm);
    fs::create_dir_all(charm.join("hooks")).unwrap();
    fs::copy(source.join("metadata.yaml"), charm.join("metadata.yaml")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_helper"), charm.join("helper")).unwrap();
    for entry in fs::read_dir(source.join("hooks")).unwrap() {
        let hook = entry.unwrap().path();
        let copy = charm.join("hooks").join(hook.file_name().unwrap());
        match fs::read_link(&hook) {
            Ok(target) => symlink(target, copy).unwrap(),
            Err(_) => fs::copy(&hook, copy).map(|_| ()).unwrap(),
        }
    }
    charm
}
