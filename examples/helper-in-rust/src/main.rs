//! A helper that keeps running while hooks come and go.
//!
//! `helper serve` listens on `helper.sock` in the charm's folder. `helper ask`, run by a hook, sends
//! that hook's JUJU_CONTEXT_ID and prints the answer. The context id is all that authorises hook
//! tools, so the helper sets it anew for each question and calls them as the hook itself would. When
//! the hook is over, so is the permission: a tool then says `wrong context ID`.

use std::env;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{exit, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SOCKET: &str = "helper.sock";

/// The helper ends when nobody asked for so long: it must not outlive its unit for ever.
const IDLE: Duration = Duration::from_secs(60);

/// What a hook tool prints, in the given context; or what it complains of.
fn tool(context: &str, words: &[&str]) -> Result<String, String> {
    let ran = Command::new(words[0])
        .args(&words[1..])
        .env("JUJU_CONTEXT_ID", context)
        .output()
        .map_err(|fault| format!("cannot run {}: {}", words[0], fault))?;
    if !ran.status.success() {
        return Err(String::from_utf8_lossy(&ran.stderr).trim().to_string());
    }
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_string())
}

/// The leader counts its turns in a setting; everybody reads it.
fn answer(context: &str, event: &str) -> Result<String, String> {
    let leads = tool(context, &["is-leader"])? == "True";
    let turns: u64 = tool(context, &["leader-get", "turns"])?.parse().unwrap_or(0);
    if leads && event == "leader-elected" {
        tool(context, &["leader-set", &format!("turns={}", turns + 1)])?;
    }
    let turns = tool(context, &["leader-get", "turns"])?;
    Ok(format!("{}, turn {}", if leads { "leads" } else { "follows" }, turns))
}

fn serve_one(mut stream: UnixStream) -> io::Result<()> {
    let mut asked = String::new();
    stream.set_nonblocking(false)?;
    stream.read_to_string(&mut asked)?;
    let (context, event) = asked.split_once(' ').unwrap_or((&asked, ""));
    match answer(context, event) {
        Ok(text) => write!(stream, "ok {}", text),
        Err(fault) => write!(stream, "failed {}", fault),
    }
}

fn serve() -> io::Result<()> {
    let _ = std::fs::remove_file(SOCKET);
    let listener = UnixListener::bind(SOCKET)?;
    listener.set_nonblocking(true)?;
    let mut asked_at = Instant::now();
    while asked_at.elapsed() < IDLE {
        match listener.accept() {
            Ok((stream, _)) => {
                asked_at = Instant::now();
                let _ = serve_one(stream); // a hook that was killed is no reason to end
            }
            Err(_) => sleep(Duration::from_millis(20)),
        }
    }
    std::fs::remove_file(SOCKET)
}

fn ask(event: &str) -> io::Result<String> {
    let context = env::var("JUJU_CONTEXT_ID").unwrap_or_default();
    let mut stream = UnixStream::connect(SOCKET)?;
    write!(stream, "{} {}", context, event)?;
    stream.shutdown(Shutdown::Write)?;
    let mut told = String::new();
    stream.read_to_string(&mut told)?;
    Ok(told)
}

fn main() {
    let words: Vec<String> = env::args().collect();
    let done = match words.get(1).map(String::as_str) {
        Some("serve") => serve().map(|_| String::from("ok ")),
        Some("ask") => ask(words.get(2).map_or("", String::as_str)),
        _ => Ok(String::from("failed usage: helper serve | helper ask EVENT")),
    };
    match done {
        Ok(told) => match told.strip_prefix("ok ") {
            Some(text) => println!("{}", text),
            None => {
                eprintln!("{}", told.trim_start_matches("failed "));
                exit(1);
            }
        },
        Err(fault) => {
            eprintln!("helper: {}", fault);
            exit(1);
        }
    }
}
