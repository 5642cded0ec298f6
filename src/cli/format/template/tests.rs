//! Templates as people write them.

use super::*;
use serde_json::json;

const SCHEMA: Schema = Schema {
    command: "ps",
    type_name: "containers.psReporter",
    free_maps: &["Labels"],
    aliases: &[("Id", "ID")],
    omitted: &[("", "Extra", Empty::Text), ("State", "Omega", Empty::List)],
    headings: &[("ID", "CONTAINER ID")],
};

fn rows() -> Vec<Json> {
    vec![
        json!({"Id": "aaa", "Names": ["web", "w"], "Labels": {"tier": "front"}, "Pid": 12, "lockNumber": 1,
               "State": {"Zeta": 1, "Alpha": null}, "Big": u64::MAX}),
        json!({"Id": "bbb", "Names": ["db"], "Labels": {}, "Pid": 0, "lockNumber": 2,
               "State": {"Zeta": 2, "Alpha": ["x"]}, "Big": 0}),
    ]
}

fn render(format: &str) -> Result<String> {
    render_list(Format::parse(format).unwrap().unwrap(), &rows(), &SCHEMA, false)
}

#[test]
fn templates_of_a_listing() {
    let cases = [
        ("{{.ID}}", "aaa\nbbb\n"),
        ("{{.Id}} {{.LockNumber}}", "aaa 1\nbbb 2\n"),
        ("{{.ID}}\\t{{.Pid}}", "aaa\t12\nbbb\t0\n"),
        ("{{range .}}{{.ID}},{{end}}", "aaa,bbb,\n"),
        ("{{range $i, $c := .}}{{$i}}={{$c.ID}} {{end}}", "0=aaa 1=bbb \n"),
        ("{{range .Names}}<{{.}}>{{end}}", "<web><w>\n<db>\n"),
        ("{{join .Names \",\"}}", "web,w\ndb\n"),
        ("{{json .Names}}", "[\"web\",\"w\"]\n[\"db\"]\n"),
        ("{{json .State}}", "{\"Zeta\":1,\"Alpha\":null}\n{\"Zeta\":2,\"Alpha\":[\"x\"]}\n"),
        ("{{.State.Alpha}}", "[]\n[x]\n"),
        (
            "x={{json .}}",
            "x={\"Id\":\"aaa\",\"Names\":[\"web\",\"w\"],\"Labels\":{\"tier\":\"front\"},\"Pid\":12,\"lockNumber\":1,\"State\":{\"Zeta\":1,\"Alpha\":null},\"Big\":18446744073709551615}\nx={\"Id\":\"bbb\",\"Names\":[\"db\"],\"Labels\":{},\"Pid\":0,\"lockNumber\":2,\"State\":{\"Zeta\":2,\"Alpha\":[\"x\"]},\"Big\":0}\n",
        ),
        ("{{.Labels.tier}}", "front\n<no value>\n"),
        ("{{.Labels}}", "map[tier:front]\nmap[]\n"),
        ("{{.Label \"tier\"}}|", "front|\n|\n"),
        ("{{index .Labels \"tier\"}}|", "front|\n|\n"),
        ("{{index .Names 0}}", "web\ndb\n"),
        ("{{.ID | upper}} {{lower \"X\"}} {{title \"abc def\"}}", "AAA x Abc Def\nBBB x Abc Def\n"),
        ("{{pad .ID 1 2}}|{{truncate .ID 2}}|{{len .Names}}", " aaa  |aa|2\n bbb  |bb|1\n"),
        ("{{range split \"a-b\" \"-\"}}{{.}};{{end}}", "a;b;\na;b;\n"),
        ("{{println .ID}}", "aaa\n\nbbb\n\n"),
        ("{{printf \"%-5s|%03d\" .ID .Pid}}", "aaa  |012\nbbb  |000\n"),
        ("{{if .Pid}}up{{else}}down{{end}}", "up\ndown\n"),
        ("{{if and (eq .ID \"aaa\") (gt .Pid 3)}}yes{{end}}", "yes\n\n"),
        ("{{with .State}}{{.Zeta}}{{end}}", "1\n2\n"),
        ("{{slice .ID 0 2}}{{\"}}\"}}", "aa}}\nbb}}\n"),
        ("{{/* it's {{.ID}} */}}{{.ID}}", "aaa\nbbb\n"),
        ("<{{.Extra}}{{.State.Omega}}>", "<[]>\n<[]>\n"),
        ("{{.Big}}", "18446744073709551615\n0\n"),
    ];
    for (format, want) in cases {
        assert_eq!(render(format).unwrap_or_else(|e| e.to_string()), want, "{format}");
    }
}

#[test]
fn tables_have_headings() {
    assert_eq!(
        render("table {{.ID}}\\t{{.Names}} {{.Labels.tier}}").unwrap(),
        "CONTAINER ID  NAMES       TIER\naaa           [web w]     front\nbbb           [db]        <no value>\n"
    );
    let format = Format::parse("table {{.ID}}\t{{join .Names \", \"}}").unwrap().unwrap();
    assert_eq!(render_list(format, &rows(), &SCHEMA, true).unwrap(), "aaa         web, w\nbbb         db\n");
    assert_eq!(render_list(format, &[], &SCHEMA, false).unwrap(), "CONTAINER ID  NAMES\n");
}

#[test]
fn mistakes_are_named_where_they_are() {
    let cases = [
        (
            "{{.Nope}}",
            "template: ps:1:13: executing \"ps\" at <.Nope>: can't evaluate field Nope in type containers.psReporter",
        ),
        (
            "{{.ID}} {{with .State}}{{.Beta}}{{end}}",
            "template: ps:1:36: executing \"ps\" at <.Beta>: can't evaluate field Beta in type State",
        ),
        (
            "{{.State.Beta}}",
            "template: ps:1:19: executing \"ps\" at <.State.Beta>: can't evaluate field Beta in type State",
        ),
        ("{{.ID.Foo}}", "template: ps:1:16: executing \"ps\" at <.ID.Foo>: can't evaluate field Foo in type string"),
        ("{{if .ID}}{{nofunc .ID}}{{end}}", "template: ps:1: function \"nofunc\" not defined"),
    ];
    for (format, want) in cases {
        assert_eq!(render(format).unwrap_err().to_string(), want, "{format}");
    }
    for malformed in ["{{.ID", "{{if}}", "{{end}}", "{{range .}}{{.ID}}", "{{.ID}} {{", "{{index .Names 7}}"] {
        let message = render(malformed).expect_err(malformed).to_string();
        assert!(message.starts_with("template: ps:"), "{malformed}: {message}");
    }
}

#[test]
fn one_object_is_not_ranged_over() {
    let object = json!({"host": {"os": "linux"}});
    assert_eq!(render_one("{{.Host.Os}}", &object, &SCHEMA).unwrap(), "linux\n");
    assert!(render_one("{{else}}", &object, &SCHEMA).is_err());
    assert_eq!(render_one("{{json .host}}", &object, &SCHEMA).unwrap(), "{\"os\":\"linux\"}\n");
}
