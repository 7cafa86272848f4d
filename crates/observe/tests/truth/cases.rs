//! What needs what.

/// One program.
pub struct Case {
    pub name: &'static str,
    /// A comma list.
    pub needs: &'static str,
    pub user: Option<u32>,
    pub is_server: bool,
}

impl Case {
    /// What it is started with: a name is its operations, joined by `+`.
    pub fn words(&self) -> Vec<String> {
        let verb = if self.is_server { "serve" } else { "do" };
        std::iter::once(verb).chain(self.name.split('+')).map(str::to_owned).collect()
    }
}

/// A user of no account.
const USER: u32 = 1000;

const fn root(name: &'static str, needs: &'static str) -> Case {
    Case { name, needs, user: None, is_server: false }
}

const fn user(name: &'static str, needs: &'static str) -> Case {
    Case { name, needs, user: Some(USER), is_server: false }
}

const fn server(name: &'static str, needs: &'static str) -> Case {
    Case { name, needs, user: None, is_server: true }
}

pub fn all() -> Vec<Case> {
    vec![
        root("chown", "CHOWN"),
        root("write-any", "DAC_OVERRIDE"),
        root("read-any", "DAC_READ_SEARCH"),
        root("chmod-other", "FOWNER"),
        root("keep-setgid", "FSETID"),
        user("signal-other", "KILL"),
        root("setgid", "SETGID"),
        root("setgroups", "SETGID"),
        root("setuid", "SETUID"),
        root("drop-bounding", "SETPCAP"),
        root("append-only", "LINUX_IMMUTABLE"),
        root("low-port", "NET_BIND_SERVICE"),
        root("force-buffer", "NET_ADMIN"),
        root("packet", "NET_RAW"),
        root("raw-socket", "NET_RAW"),
        root("mark", "NET_RAW"),
        root("lock", "IPC_LOCK"),
        root("ipc", "IPC_OWNER"),
        root("fibmap", "SYS_RAWIO"),
        root("chroot", "SYS_CHROOT"),
        root("look-at-child", "SYS_PTRACE"),
        root("account", "SYS_PACCT"),
        root("hostname", "SYS_ADMIN"),
        root("reboot", "SYS_BOOT"),
        root("nice", "SYS_NICE"),
        root("realtime-io", "SYS_NICE"),
        root("clock", "SYS_TIME"),
        root("hang-up", "SYS_TTY_CONFIG"),
        root("mknod", "MKNOD"),
        user("lease", "LEASE"),
        root("file-capability", "SETFCAP"),
        root("kernel-log", "SYSLOG"),
        root("wake", "WAKE_ALARM"),
        root("map-files", "CHECKPOINT_RESTORE"),
        user("chown", "CHOWN"),
        user("packet", "NET_RAW"),
        user("setuid", "SETUID"),
        user("read-any", "DAC_READ_SEARCH"),
        root("chown+setuid", "CHOWN,SETUID"),
        root("setgid+setuid", "SETGID,SETUID"),
        root("low-port+setgroups", "NET_BIND_SERVICE,SETGID"),
        root("packet+force-buffer", "NET_RAW,NET_ADMIN"),
        root("read-any+write-any", "DAC_OVERRIDE"),
        root("read-any+hostname", "DAC_READ_SEARCH,SYS_ADMIN"),
        root("realtime-io+hostname", "SYS_ADMIN"),
        root("chroot+mknod+setuid", "SYS_CHROOT,MKNOD,SETUID"),
        user("signal-other+chown", "KILL,CHOWN"),
        root("nothing", "none"),
        root("own-file", "none"),
        root("high-port", "none"),
        root("own-chmod", "none"),
        root("signal-itself", "none"),
        root("fork", "none"),
        root("try-chown", "none"),
        user("nothing", "none"),
        user("own-file", "none"),
        user("high-port", "none"),
        user("own-chmod", "none"),
        server("reads-what-it-shut", "DAC_READ_SEARCH"),
        server("chowns-at-the-second-start", "CHOWN"),
        server("chowns-at-the-end", "CHOWN"),
        server("chroots-at-the-end", "SYS_CHROOT"),
        server("gives-away-and-changes", "CHOWN,FOWNER"),
        server("plain", "none"),
    ]
}
