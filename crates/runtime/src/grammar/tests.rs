//! Command lines as engines and people write them.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn parse(line: &str, flavour: Flavour) -> Result<CommandLine, GrammarError> {
    CommandLine::parse(&words(line), flavour)
}

fn exec(line: &str, flavour: Flavour) -> Exec {
    match parse(line, flavour).unwrap().command {
        Some(Command::Exec(exec)) => exec,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_command_is_found_by_the_grammar_and_not_by_its_word() {
    use Flavour::{Crun, Runc};
    // A value that looks like a command is a value.
    let line = parse("--log exec --root create state c1", Runc).unwrap();
    assert_eq!(line.command, Some(Command::Other));
    assert_eq!(line.global.value("root"), Some("create"));
    let line = parse("--log=exec --rootless true exec c1 run", Runc).unwrap();
    let Some(Command::Exec(exec)) = line.command else { panic!("{line:?}") };
    assert_eq!((exec.container.as_str(), &exec.arguments[..]), ("c1", &["run".to_owned()][..]));
    assert_eq!(parse("-root /x kill exec", Runc).unwrap().command, Some(Command::Other));
    assert_eq!(parse("--version", Crun).unwrap().command, None);
    // getopt_long takes beginnings, Go does not.
    let cgroups = parse("--cgroup-m /x list", Crun).unwrap().global;
    assert_eq!(cgroups.value("cgroup-manager"), Some("/x"));
    assert!(parse("--cgroup-m /x list", Runc).is_err());
    // Of an unknown flag nobody knows whether `exec` is its value.
    assert!(matches!(parse("--new exec c1 sh", Runc), Err(GrammarError::UnknownFlag { .. })));
    assert!(parse("--ro x list", Crun).unwrap_err().to_string().contains("--ro"));
    // What a runtime might trim to a flag is no command.
    let odd = [" --debug", "exec", "c1", "sh"].map(OsString::from);
    let error = CommandLine::parse(&odd, Runc).unwrap_err();
    assert!(matches!(error, GrammarError::UnknownCommand(_)), "{error}");
}

#[test]
fn who_asks_for_help_starts_nothing() {
    for flavour in [Flavour::Runc, Flavour::Crun] {
        for verb in ["create", "run", "restore", "exec"] {
            for line in
                [format!("{verb} --help"), format!("{verb} -h"), format!("{verb} --help c1")]
            {
                assert_eq!(parse(&line, flavour).unwrap().command, Some(Command::Other), "{line}");
            }
        }
        assert_eq!(exec("exec c1 sh --help", flavour).arguments, ["sh", "--help"]);
        assert_eq!(
            exec("exec --process --help c1", flavour).options.value("process"),
            Some("--help")
        );
        assert!(parse("create", flavour).is_err(), "without a container");
    }
    // Go takes a no, and the last of several.
    for line in ["exec --help=false c1 sh", "exec --help --help=false c1 sh", "create c1 -h=0"] {
        assert!(parse(line, Flavour::Runc).is_err(), "{line}");
    }
}

#[test]
fn exec_is_read_as_each_runtime_reads_it() {
    use Flavour::{Crun, Runc};
    let line = "exec --process /p.json --detach --pid-file /x --console-socket=/s c1";
    for flavour in [Runc, Crun] {
        let exec = exec(line, flavour);
        assert_eq!(exec.options.value("process"), Some("/p.json"));
        assert_eq!(exec.options.switch("detach"), Ok(Some(true)));
        let words: Vec<_> = exec.options.words().collect();
        assert_eq!(words[0], "--process=/p.json");
    }
    let one = exec("exec -t -e A=B -e=C=D -c NET_RAW --cap=KILL c1 sh -c --cap", Runc);
    assert_eq!(one.options.values("env").collect::<Vec<_>>(), ["A=B", "C=D"]);
    assert_eq!(one.options.values("cap").collect::<Vec<_>>(), ["NET_RAW", "KILL"]);
    assert_eq!(one.arguments, ["sh", "-c", "--cap"]);
    let one = exec("exec -dtfalse -eA=B -e=C -u1 -- c1 sh", Crun);
    assert_eq!(one.options.switch("tty"), Ok(Some(false)));
    assert_eq!(one.options.values("env").collect::<Vec<_>>(), ["A=B", "=C"]);
    assert_eq!((one.options.value("user"), one.container.as_str()), (Some("1"), "c1"));
    let one = exec("exec --tty=false --no-new-privs=false --additional-gids 5 -g 6 c1 sh", Runc);
    assert_eq!(one.options.switch("tty"), Ok(Some(false)));
    assert_eq!(one.options.switch("no-new-privs"), Ok(Some(false)));
    assert_eq!(one.options.values("additional-gids").collect::<Vec<_>>(), ["5", "6"]);
    assert!(parse("exec --tty=perhaps c1 sh", Runc).is_ok());
    assert!(exec("exec --tty=perhaps c1 sh", Runc).options.switch("tty").is_err());
    // What only one of them has is passed on, and refused by the other itself.
    assert!(parse("exec -dt c1 sh", Runc).is_err());
    assert!(parse("exec --detach=true c1 sh", Crun).is_err());
}

#[test]
fn create_takes_flags_on_both_sides_and_one_container() {
    for flavour in [Flavour::Runc, Flavour::Crun] {
        let line = parse("create c1 --bundle /b --pid-file /p", flavour).unwrap();
        let Some(Command::Start(start)) = line.command else { panic!("{line:?}") };
        assert_eq!((start.verb, start.container.as_str()), ("create", "c1"));
        assert_eq!(start.options.value("bundle"), Some("/b"));
        assert!(parse("run c1 c2", flavour).is_err());
        assert!(parse("run --bundle", flavour).is_err());
        assert!(parse("run", flavour).is_err());
        for container in ["../x", "..", "a/b", "a b\u{e9}"] {
            let line = [OsString::from("run"), OsString::from(container)];
            assert!(CommandLine::parse(&line, flavour).is_err(), "{container}");
        }
    }
    assert!(parse("restore -d --image-path /i c1", Flavour::Runc).is_ok());
}
