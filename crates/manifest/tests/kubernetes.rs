//! What is read of Kubernetes manifests.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{
    Container, Document, Engine, Format, Kind, Spanned, Starter, read, read_as,
};

fn document(text: &str) -> Document {
    read_as(Format::Kubernetes, "k8s/app.yaml", text.as_bytes())
}

fn containers(text: &str) -> Vec<Container> {
    let document = document(text);
    assert_eq!(document.errors, []);
    document.containers
}

/// The one container of a pod with these lines in its `spec`.
fn one(spec: &str) -> Container {
    containers(&pod(spec)).remove(0)
}

fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n{spec}")
}

fn words(list: &[Spanned<String>]) -> Vec<&str> {
    list.iter().map(|word| word.value.as_str()).collect()
}

#[track_caller]
fn says(value: &Option<Spanned<String>>, expected: &str) {
    assert_eq!(value.as_ref().unwrap().value, expected);
}

fn errors(text: &str) -> Vec<String> {
    document(text).errors.iter().map(ToString::to_string).collect()
}

const SPEC: &str = "spec: {containers: [{name: c, image: i}]}";

#[test]
fn every_kind_that_makes_pods_has_its_containers() {
    let template = format!("template: {{{SPEC}}}");
    for (kind, spec) in [
        ("Pod", SPEC.to_owned()),
        ("PodTemplate", template.clone()),
        ("Deployment", format!("spec: {{{template}}}")),
        ("ReplicaSet", format!("spec: {{{template}}}")),
        ("StatefulSet", format!("spec: {{{template}}}")),
        ("DaemonSet", format!("spec: {{{template}}}")),
        ("ReplicationController", format!("spec: {{{template}}}")),
        ("Job", format!("spec: {{{template}}}")),
        ("CronJob", format!("spec: {{jobTemplate: {{spec: {{{template}}}}}}}")),
    ] {
        let text =
            format!("apiVersion: x/v1\nkind: {kind}\nmetadata: {{name: n, namespace: s}}\n{spec}");
        let read = containers(&text);
        assert_eq!(read.len(), 1, "{kind}");
        assert_eq!(read[0].id, format!("k8s/app.yaml#s/{kind}/n/c"));
        assert_eq!(&text[read[0].span.clone()], "c");
        assert_eq!((read[0].kind, read[0].engine), (Kind::Kubernetes, Engine::Containerd));
        assert_eq!(read[0].starter, Starter::Known);
    }
}

#[test]
fn several_documents_and_lists_are_read_and_other_objects_are_not() {
    let text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {{containers: 1}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{generateName: run-}}\n{SPEC}\n---\n\
         apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {{name: a}}\n  {SPEC}\n\
         - {{apiVersion: v1, kind: PodList, items: [{{metadata: {{name: b}}, {SPEC}}}]}}\n"
    );
    let ids: Vec<String> = containers(&text).into_iter().map(|one| one.id).collect();
    assert_eq!(
        ids,
        [
            "k8s/app.yaml#default/Pod/run-/c",
            "k8s/app.yaml#default/Pod/a/c",
            "k8s/app.yaml#default/Pod/b/c"
        ]
    );
    assert_eq!(containers(&format!("kind: Pod\nmetadata: {{name: a}}\n{SPEC}")), []);
}

#[test]
fn json_is_read_with_tabs_too() {
    let text = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"p\"},\n\
         \t\"spec\": {\n\t\t\"containers\": [\n\t\t\t{\"name\": \"c\", \"image\": \"i\",\n\
         \t\t\t\"securityContext\": {\"runAsUser\": 7, \"capabilities\": {\"drop\": [\"ALL\"]}}}\n\t\t]\n\t}\n}\n";
    let document = read("pod.json", text.as_bytes());
    assert_eq!(document.errors, []);
    let settings = &document.containers[0].settings;
    says(&settings.user, "7");
    assert_eq!(words(&settings.cap_drop), ["ALL"]);
    assert_eq!(&text[settings.cap_drop[0].span.clone()], "\"ALL\"");
}

#[test]
fn a_container_says_more_than_its_pod() {
    let text = pod("
  hostNetwork: true
  hostPID: true
  hostIPC: true
  hostUsers: false
  securityContext:
    runAsUser: 1000
    runAsGroup: 1001
    runAsNonRoot: true
    fsGroup: 5
    supplementalGroups: [6, 7]
    supplementalGroupsPolicy: Strict
    seccompProfile: {type: RuntimeDefault}
    appArmorProfile: {type: Unconfined}
    sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: '0'}]
  containers:
  - {name: a, image: i}
  - name: b
    image: i
    securityContext:
      runAsUser: 0
      runAsGroup: 2
      runAsNonRoot: false
      privileged: false
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      procMount: Unmasked
      seccompProfile: {type: Localhost, localhostProfile: p/x.json}
      appArmorProfile: {type: Localhost, localhostProfile: k8s-x}
      capabilities:
        drop: [ALL]
        add: [NET_RAW, CAP_KILL]
");
    let read = containers(&text);
    let (a, b) = (&read[0].settings, &read[1].settings);
    for settings in [a, b] {
        says(&settings.network, "host");
        says(&settings.pid, "host");
        says(&settings.ipc, "host");
        says(&settings.supplemental_groups_policy, "Strict");
        assert!(!settings.host_users.as_ref().unwrap().value);
        assert_eq!(words(&settings.group_add), ["5", "6", "7"]);
        assert_eq!(
            settings.sysctls,
            [("net.ipv4.ip_unprivileged_port_start".to_owned(), "0".to_owned())]
        );
    }
    says(&a.user, "1000");
    says(&a.run_as_group, "1001");
    assert!(a.run_as_non_root.as_ref().unwrap().value);
    says(&a.seccomp, "RuntimeDefault");
    says(&a.apparmor, "Unconfined");
    assert_eq!((&a.privileged, &a.allow_privilege_escalation, a.read_only), (&None, &None, false));
    says(&b.user, "0");
    says(&b.run_as_group, "2");
    assert!(!b.run_as_non_root.as_ref().unwrap().value);
    assert!(!b.privileged.as_ref().unwrap().value);
    assert!(!b.allow_privilege_escalation.as_ref().unwrap().value);
    assert!(b.read_only);
    says(&b.proc_mount, "Unmasked");
    says(&b.seccomp, "p/x.json");
    says(&b.apparmor, "k8s-x");
    assert_eq!((words(&b.cap_drop), words(&b.cap_add)), (vec!["ALL"], vec!["NET_RAW", "CAP_KILL"]));
    assert_eq!(&text[b.cap_add[1].span.clone()], "CAP_KILL");
    let shared = one("  shareProcessNamespace: true\n  containers: [{name: c, image: i}]");
    says(&shared.settings.pid, "pod");
}

#[test]
fn volumes_are_joined_with_their_mounts() {
    let read = one("
  containers:
  - name: c
    image: i
    volumeMounts:
    - {name: host, mountPath: /a, readOnly: true}
    - {name: host, mountPath: /b, subPath: x/y}
    - {name: memory, mountPath: /c}
    - {name: config, mountPath: /d}
    - {name: claim, mountPath: /e}
    - {name: disk, mountPath: /f}
    - {name: nothing, mountPath: /g}
  volumes:
  - {name: host, hostPath: {path: /srv}}
  - {name: memory, emptyDir: {medium: Memory}}
  - {name: config, configMap: {name: m}}
  - {name: claim, persistentVolumeClaim: {claimName: d}}
  - {name: disk, nfs: {server: s, path: /}}
  - {name: nothing}
");
    let mounts: Vec<_> = read
        .settings
        .mounts
        .iter()
        .map(|one| (one.source.as_str(), one.target.as_str(), one.bind, one.read_only))
        .collect();
    assert_eq!(
        mounts,
        [
            ("/srv", "/a", true, true),
            ("/srv/x/y", "/b", true, false),
            ("default/Pod/p/memory", "/c", false, false),
            ("default/Pod/p/config", "/d", false, true),
            ("default/PersistentVolumeClaim/d", "/e", false, false),
            ("default/Pod/p/disk", "/f", false, false),
            ("default/Pod/p/nothing", "/g", false, false),
        ]
    );
    // The kubelet mounts an emptyDir in memory without nosuid.
    assert!(read.settings.mounts.iter().all(|mount| !mount.tmpfs));
    assert_eq!(
        read.settings.start.left_out,
        ["what is in the volume config (configMap)", "what is in the volume disk (nfs)"]
    );
    assert_eq!(read.unknowns[0].value, "what lies in the volume disk (nfs)");
    let set = containers(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec:\n  volumeClaimTemplates: \
         [{metadata: {name: data}}]\n  template: {spec: {containers: [{name: c, image: i, volumeMounts: \
         [{name: data, mountPath: /d}]}]}}",
    );
    assert_eq!(set[0].settings.mounts[0].source, "default/StatefulSet/s/data");
}

#[test]
fn what_it_takes_to_start_it_is_read_and_the_rest_is_named() {
    let read = one("
  hostname: h
  hostAliases: [{ip: 10.0.0.1, hostnames: [x, y]}]
  dnsPolicy: None
  containers:
  - name: c
    image: i
    command: [/bin/x]
    args: [--port, $(PORT)]
    workingDir: /w
    env:
    - {name: PORT, value: '80'}
    - {name: EMPTY}
    - {name: SECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}
    envFrom: [{configMapRef: {name: m}}]
    lifecycle: {}
    livenessProbe: {httpGet: {port: 80}}
");
    let settings = &read.settings;
    assert_eq!(settings.entrypoint.as_ref().unwrap().value, ["/bin/x"]);
    assert_eq!(settings.command.as_ref().unwrap().value, ["--port", "$(PORT)"]);
    let start = &settings.start;
    assert_eq!(start.working_dir.as_deref(), Some("/w"));
    assert_eq!(start.hostname.as_deref(), Some("h"));
    assert_eq!(start.extra_hosts, ["x:10.0.0.1", "y:10.0.0.1"]);
    let variable = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    assert_eq!(start.environment, [variable("PORT", "80"), variable("EMPTY", "")]);
    assert_eq!(
        start.left_out,
        [
            "dnsPolicy",
            "the variables in args",
            "the value of SECRET",
            "envFrom",
            "lifecycle",
            "livenessProbe"
        ]
    );
}

#[test]
fn init_containers_run_before_in_their_order_and_sidecars_go_on() {
    let read = containers(&pod("
  containers: [{name: c, image: i}, {name: d, image: i}]
  initContainers:
  - {name: one, image: i}
  - {name: side, image: i, restartPolicy: Always}
  - {name: two, image: i}
  ephemeralContainers: [{name: debug, image: i}]
"));
    let before = |name: &str| {
        let start = &read.iter().find(|one| one.id.ends_with(name)).unwrap().settings.start;
        (start.runs_after.join(" "), start.depends_on.join(" "))
    };
    let pair = |done: &str, running: &str| (done.to_owned(), running.to_owned());
    assert_eq!(before("/one"), pair("", ""));
    assert_eq!(before("/side"), pair("one", ""));
    assert_eq!(before("/two"), pair("one", "side"));
    assert_eq!(before("/c"), pair("one two", "side"));
    assert_eq!(before("/d"), pair("one two", "side"));
    assert_eq!(before("/debug"), pair("", ""));
}

#[test]
fn an_annotation_still_names_the_apparmor_profile() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    metadata:\n      annotations:\n        container.apparmor.security.beta.kubernetes.io/a: localhost/x\n        container.apparmor.security.beta.kubernetes.io/b: unconfined\n    spec: {containers: [{name: a, image: i}, {name: b, image: i}]}\n";
    let read = containers(text);
    says(&read[0].settings.apparmor, "x");
    says(&read[1].settings.apparmor, "Unconfined");
}

#[test]
fn a_patch_and_a_pod_for_windows_are_no_containers() {
    assert_eq!(
        containers(&pod("  containers: [{name: c, securityContext: {privileged: true}}]")),
        []
    );
    assert_eq!(containers(&pod("  os: {name: windows}\n  containers: [{name: c, image: i}]")), []);
    assert_eq!(containers("apiVersion: v1\nkind: Pod\nmetadata: {name: p}"), []);
    let class = one("  runtimeClassName: gvisor\n  containers: [{name: c, image: i}]");
    assert_eq!(class.unknowns[0].value, "the runtime of its RuntimeClass gvisor");
}

#[test]
fn what_the_server_refuses_is_an_error_with_its_place() {
    for (spec, error) in [
        ("  containers: {name: c}", "line 5, column 15: containers must be a list"),
        (
            "  containers: [{name: c, image: i, securityContext: {privileged: 'true'}}]",
            "line 5, column 66: privileged must be true or false",
        ),
        (
            "  containers: [{name: c, image: i, securityContext: {runAsUser: root}}]",
            "line 5, column 65: runAsUser must be a number",
        ),
        (
            "  containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /x}]}]",
            "line 5, column 51: there is no volume v in this pod",
        ),
        ("  containers: [{image: i}]", "line 5, column 16: a container without a name"),
        (
            "  containers: [{name: c, image: i, image: j}]",
            "line 5, column 36: the key image is there twice: which one counts is not said",
        ),
    ] {
        assert_eq!(errors(&pod(spec)), [error]);
    }
    assert_eq!(
        errors(&format!("apiVersion: v1\nkind: Pod\n{SPEC}")),
        ["line 1, column 1: this Pod has no name"]
    );
}

#[test]
fn a_template_is_said_to_be_one_and_not_guessed_at() {
    for text in [
        pod("  {{- if .Values.x }}\n  containers: [{name: c, image: i}]\n  {{- end }}"),
        pod("  containers: [{name: c, image: {{ .Values.image }}}]"),
    ] {
        let read = document(&text);
        assert!(read.template && read.containers.is_empty(), "{text}");
        let error = &read.errors[0];
        assert_eq!(error.message, "a template, not YAML: render it first (`helm template`)");
        assert_eq!(error.line, 5);
    }
    // In quotes and in a block of text it is for somebody else.
    let other = one("  containers: [{name: c, image: i, args: ['{{workflow.name}}']}]");
    assert_eq!(other.settings.command.unwrap().value, ["{{workflow.name}}"]);
    let broken = document(&pod("  containers: [{name: c, image: i}"));
    assert!(!broken.template && !broken.errors.is_empty());
}

#[test]
fn many_containers_of_a_long_pod_ask_for_little() {
    let sysctls = "{name: a, value: b},".repeat(5000);
    let many: String = (0..5000).map(|n| format!("{{name: c{n}, image: i}},")).collect();
    let text = pod(&format!("  securityContext: {{sysctls: [{sysctls}]}}\n  containers: [{many}]"));
    let read = document(&text);
    assert!(read.containers.len() < 300);
    assert!(read.errors[0].message.contains("take over more than"), "{:?}", read.errors);
}

#[test]
fn what_it_takes_to_try_it_elsewhere_is_read() {
    let read = one("
  securityContext: {fsGroup: 2000}
  volumes:
  - {name: kept, persistentVolumeClaim: {claimName: d}}
  - {name: fresh, emptyDir: {}}
  containers:
  - name: c
    image: i
    args: [sh, -c, 'echo $(cat /x) $((1 + 1))']
    env: [{name: A, value: b}, {name: B, value: /$(A)/c}]
    volumeMounts: [{name: kept, mountPath: /a}, {name: fresh, mountPath: /b, subPath: d}]
    livenessProbe: {exec: {command: [is, alive]}}
    readinessProbe: {tcpSocket: {port: 80}}
    startupProbe: {exec: {command: [sh, -c, 'test -e /up']}}
");
    let start = &read.settings.start;
    assert_eq!(start.probes, [vec!["is", "alive"], vec!["sh", "-c", "test -e /up"]]);
    assert_eq!(start.claims, ["default/PersistentVolumeClaim/d"]);
    assert_eq!(start.fs_group, Some(2000));
    // What a shell does with its words is no reference to a variable of the pod.
    assert_eq!(
        start.left_out,
        ["the variables in B", "that it sees d of the volume fresh alone", "readinessProbe"]
    );
}
