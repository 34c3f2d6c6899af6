"""Bad input: each malformed document gives one line with file, line, key and a hint (R02, R09, R14, R27)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from allocator.documents import DocumentError, load
from allocator.domain.policy import Policy

FLEET = """\
version: 1
drivers:
  sf: {driver: solidfire}
  disk: {driver: local}
agents: {q1: {agent: qemu}}
tenants: [{name: acme}]
hosts: [{name: kvm-01, zone: z1, cluster: c1, agent: q1}]
pools: [{name: sf-1, driver: sf, zone: z1, domains: {rack: r1}}]
offerings: [{name: gold, qos: {provisioned: {min_iops: 100, max_iops: 200}}}]
"""
"""Nine good lines, so that what a case adds begins on line 10."""


class Bad(NamedTuple):
    """A text, and what is said about it: its line, part of its key, part of the message."""

    text: str
    line: int
    key: str
    says: str


def pool(fields: str) -> str:
    return f"pools: [{{name: p, driver: sf, {fields}}}]\n"


def request(fields: str) -> str:
    return f"requests:\n- {{name: r, size: 1GiB, {fields}}}\n"


def qos(fields: str) -> str:
    return f"requests:\n- name: r\n  size: 1GiB\n  qos: {fields}\n"


ENTRIES = {
    "unknown unit": Bad(request("near: 1").replace("1GiB", "5XB"), 2, "requests[r].size", "'5XB'"),
    "negative size": Bad(request("vm: v").replace("1GiB", "-5GiB"), 2, "requests[r].size", "not a size"),
    "size of nothing": Bad(request("vm: v").replace("1GiB", "0"), 2, "requests[r].size", "below the least"),
    "size beyond 64 bits": Bad(request("vm: v").replace("1GiB", "9000EiB"), 2, "requests[r].size", "64 bits"),
    "size of a hundred digits": Bad(request("vm: v").replace("1GiB", "9" * 100), 2, "requests[r].size", "too long"),
    "size as a list": Bad(request("vm: v").replace("1GiB", "[1]"), 2, "requests[r].size", "not a quantity"),
    "size left out": Bad("requests:\n- name: r\n", 2, "requests[r].size", "missing"),
    "rate without its second": Bad(pool("zone: z1, bandwidth: 5GiB"), 1, "pools[p].bandwidth", "not a rate"),
    "factor of zero": Bad(
        pool("zone: z1, iops: {total: 5, overcommit: 0}"),
        1,
        "pools[p].iops.overcommit",
        "0 is not a factor above 0",
    ),
    "negative factor": Bad(pool("zone: z1, iops: {overcommit: -1.5}"), 1, "pools[p].iops.overcommit", "-1.5"),
    "factor as a word": Bad(pool("zone: z1, iops: {overcommit: lots}"), 1, "iops.overcommit", "not a factor"),
    "share above the whole": Bad(pool("zone: z1, capacity: {reserved: 150%}"), 1, "capacity.reserved", "100%"),
    "share without its sign": Bad(pool("zone: z1, full_at: 85"), 1, "pools[p].full_at", "between 0% and 100%"),
    "part of an operation": Bad(pool("zone: z1, iops: 1000.5"), 1, "pools[p].iops.total", "whole number"),
    "count with separators": Bad(pool("zone: z1, iops: '100,000'"), 1, "pools[p].iops", "whole number"),
    "negative count": Bad(pool("zone: z1, max_volumes: -1"), 1, "pools[p].max_volumes", "below the least"),
    "unknown section": Bad("polls: []\n", 1, "polls", "no such key"),
    "unknown key": Bad(pool("zone: z1, capasity: 1TiB"), 1, "pools[p].capasity", "no such key"),
    "unknown key deep down": Bad(pool("zone: z1, capacity: {totl: 1TiB}"), 1, "capacity.totl", "no such key"),
    "unknown state": Bad(pool("zone: z1, state: upp"), 1, "pools[p].state", "'upp' is none of"),
    "name twice": Bad("vms:\n- {name: web}\n- {name: db}\n- {name: web}\n", 4, "vms[web]", "first on line 3"),
    "name with a way out": Bad("vms:\n- {name: ../etc}\n", 2, "vms[../etc].name", "not a name"),
    "name in capitals": Bad("vms: [{name: Web}]\n", 1, "vms[Web].name", "not a name"),
    "name of 64 letters": Bad(f"vms: [{{name: {'a' * 64}}}]\n", 1, "name", "not a name"),
    "name as a number": Bad("vms: [{name: 12}]\n", 1, "vms[0].name", "not text"),
    "name with an escape sequence": Bad('vms: [{name: "a\\e[31m"}]\n', 1, "vms", r"a\x1b[31m"),
    "driver's name with a way out": Bad("drivers: {../sf: {driver: solidfire}}\n", 1, "drivers.../sf", "not a name"),
    "tag with a line break": Bad(pool('zone: z1, tags: ["a\\nb"]'), 1, "pools[p].tags", r"a\nb"),
    "tag alone": Bad(pool("zone: z1, tags: ssd"), 1, "pools[p].tags", "not a list"),
    "flag as a word": Bad(pool("zone: z1, managed: yes"), 1, "pools[p].managed", "neither true nor false"),
    "no scope": Bad("pools: [{name: p, driver: sf}]\n", 1, "pools[p]", "serves exactly one"),
    "two scopes": Bad(pool("zone: z1, cluster: c1"), 1, "pools[p]", "zone and cluster"),
    "domain called zone": Bad(pool("zone: z1, domains: {zone: a}"), 1, "pools[p].domains.zone", "no failure domain"),
    "pool without its driver": Bad(
        "pools: [{name: p, driver: sff, zone: z1}]\ndrivers: {sf: {driver: solidfire}}\n",
        1,
        "pools[p].driver",
        "'sff'",
    ),
    "pool on a host that is not there": Bad(
        "drivers: {d: {driver: local}}\npools: [{name: p, driver: d, host: kvm}]\n",
        2,
        "pools[p].host",
        "no host",
    ),
    "driver that is not installed": Bad("drivers:\n  sf: {driver: solidfir}\n", 2, "drivers.sf.driver", "no driver"),
    "driver as an import path": Bad("drivers: {x: {driver: 'os:system'}}\n", 1, "drivers.x.driver", "not a name"),
    "agent as a driver": Bad("drivers: {x: {driver: qemu}}\n", 1, "drivers.x.driver", "under agents"),
    "cluster in two zones": Bad(
        "hosts:\n- {name: a, zone: z1, cluster: c}\n- {name: b, zone: z2, cluster: c}\n",
        3,
        "hosts[b].zone",
        "Cluster c",
    ),
    "address of nothing": Bad(
        "hosts: [{name: h, zone: z, endpoints: [{address: 10.0.0.300}]}]\n",
        1,
        "hosts[h].endpoints[0].address",
        "IP",
    ),
    "address with a scope": Bad(
        "hosts: [{name: h, zone: z, endpoints: [{address: 'fe80::1%../x'}]}]\n",
        1,
        "endpoints[0].address",
        "IP",
    ),
    "IQN with a comma": Bad(
        "hosts: [{name: h, zone: z, endpoints: [{iqn: 'iqn.2020-01.a:b,c'}]}]\n",
        1,
        "endpoints[0].iqn",
        "not an IQN",
    ),
    "endpoint of nothing": Bad("hosts: [{name: h, zone: z, endpoints: [{}]}]\n", 1, "endpoints[0]", "neither"),
    "both quotas": Bad("tenants: [{name: t, quota: [{tag: a, offering: b, iops: 1}]}]\n", 1, "quota[0]", "not both"),
    "group near itself": Bad(request("group: web, near: {group: web, over: zone}"), 2, "near.group", "its own group"),
    "two groups": Bad(request("group: a, apart: {group: b, over: host}"), 2, "apart.group", "differ"),
    "priority too high": Bad(request("priority: 1001"), 2, "requests[r].priority", "above the most"),
    "both kinds of QoS (R09)": Bad(
        qos("{provisioned: {min_iops: 1, max_iops: 2}, throttled: {total_iops: 3}}"),
        4,
        "requests[r].qos",
        "provisioned (min_iops, max_iops) and throttled (total_iops)",
    ),
    "total beside read": Bad(qos("{limit: {total_iops: 3, read_iops: 2}}"), 4, "limit.read_iops", "stand together"),
    "minimum above maximum": Bad(
        qos("{provisioned: {min_iops: 500, max_iops: 100}}"),
        4,
        "provisioned.max_iops",
        "min_iops 500 is above",
    ),
    "burst above nothing": Bad(
        qos("{provisioned: {min_iops: 500, burst_iops: 900}}"), 4, "provisioned.burst_iops", "no maximum"
    ),
    "range of nothing": Bad(qos("{provisioned: {}}"), 4, "qos.provisioned", "neither a minimum nor a maximum"),
    "minimum in a rate": Bad(qos("{throttled: {min_iops: 5}}"), 4, "throttled.min_iops", "under provisioned"),
    "limit of zero": Bad(qos("{limit: {total_iops: 0}}"), 4, "limit.total_iops", "below the least"),
    "alternative of nothing": Bad(qos("[{limit: {total_iops: 1}}, {}]"), 4, "requests[r].qos", "none of provisioned"),
    "both absolute and per GiB": Bad(
        qos("{limit: {total_iops: 10, total_iops_per_gib: 1}}"), 4, "total_iops_per_gib", "stand together"
    ),
}
"""Documents of their own, but for the version on their first line."""

REFERENCES = {
    "offering": Bad(request("offering: glod"), 11, "requests[r].offering", "no offering named 'glod'"),
    "tenant": Bad(request("tenant: acne"), 11, "requests[r].tenant", "no tenant named 'acne'"),
    "pool": Bad(request("pool: sf-2"), 11, "requests[r].pool", "no pool named 'sf-2'"),
    "host": Bad(request("host: kvm-02"), 11, "requests[r].host", "no host named 'kvm-02'"),
    "cluster": Bad(request("cluster: c2"), 11, "requests[r].cluster", "no cluster named 'c2'"),
    "zone": Bad(request("zone: zz"), 11, "requests[r].zone", "no zone named 'zz'"),
    "failure domain": Bad(request("apart: {group: g, over: rak}"), 11, "apart.over", "no failure domain named 'rak'"),
    "driver of details (R14)": Bad(request("details: {solidfir: {}}"), 11, "details.solidfir", "no driver named"),
    "key of details (R14)": Bad(
        request("details: {solidfire: {enable512: true}}"),
        11,
        "solidfire.enable512",
        "Driver solidfire has no detail",
    ),
    "type of details (R14)": Bad(
        request("details: {solidfire: {enable512e: 'true'}}"), 11, "solidfire.enable512e", "takes a boolean"
    ),
    "pool of a volume": Bad("volumes:\n- {name: v, size: 1, pool: gone}\n", 11, "volumes[v].pool", "no pool named"),
    "host of a volume": Bad("volumes: [{name: v, size: 1, pool: sf-1, host: h}]\n", 10, "volumes[v].host", "no host"),
    "offering of a volume that states no QoS": Bad(
        "volumes: [{name: v, size: 1, pool: sf-1, offering: gone}]\n",
        10,
        "volumes[v].offering",
        "states no QoS",
    ),
    "alternative that was never asked for": Bad(
        "volumes: [{name: v, size: 1, pool: sf-1, offering: gold, alternative: 1}]\n",
        10,
        "alternative",
        "only 1",
    ),
    "minimum per GiB that outgrows its maximum": Bad(
        "requests: [{name: r, size: 11GiB, qos: {provisioned: {min_iops_per_gib: 10, max_iops: 100}}}]\n",
        10,
        "requests[r].size",
        "110, 100",
    ),
}
"""What is added to the fleet."""

TEXTS = {
    "nothing": Bad("", 1, "", "nothing in it"),
    "a list": Bad("- 1\n", 1, "", "a list, not a mapping"),
    "an open bracket": Bad("version: 1\npools: [\n", 3, "", "not YAML"),
    "a tab": Bad("version: 1\npools:\n\t- a\n", 3, "", "not YAML"),
    "a control character": Bad("version: 1\nvms: \x01\n", 2, "", "control character"),
    "half a character": Bad("version: 1\nvms: \ud800\n", 2, "", "half a character"),
    "a key given twice": Bad("version: 1\nvms:\n- name: a\n  name: b\n", 4, "vms[0].name", "first on line 3"),
    "a section given twice": Bad("version: 1\nvms: []\nvms: []\n", 3, "vms", "first on line 2"),
    "a key that is a list": Bad("version: 1\n? [a]\n: b\n", 2, "", "plain text"),
    "an anchor": Bad("version: 1\nvms: &a []\n", 2, "vms", "Anchors"),
    "a bomb": Bad("a: &a [x]\nb: [*a, *a]\n", 1, "a", "Anchors"),
    "an alias": Bad("version: 1\nvms: *a\n", 2, "vms", "Aliases"),
    "a tag": Bad("version: 1\nvms: !!python/object/apply:os.system [ls]\n", 2, "vms", "tags"),
    "two documents": Bad("version: 1\n---\nversion: 1\n", 2, "", "second document"),
    "no version": Bad("pools: []\n", 1, "version", "missing"),
    "a version to come": Bad("version: 2\n", 1, "version", "above the most, 1"),
    "10 MB of open brackets": Bad("version: 1\nvms: " + "[" * 10_000_000, 2, "vms[0][0]", "40 levels"),
    "10 MB of nested keys": Bad("version: 1\nvms: " + "{a: " * 2_500_000, 2, "vms[a].a.a", "40 levels"),
    "a scalar of 10 MB": Bad("version: 1\nvms: [{name: " + "x" * 10_000_000 + "}]\n", 2, "vms", "not a name"),
    "an exponent": Bad(f"version: 1\n{pool('zone: z, iops: {overcommit: 1e999}')}", 2, "iops.overcommit", "factor"),
}

SECRETS = {
    "in the open": Bad(
        "drivers:\n  sf:\n    driver: solidfire\n    config: {password: hunter2}\n",
        5,
        "password",
        "never written",
    ),
    "as a number": Bad("drivers: {sf: {driver: solidfire, config: {api_token: 12345678}}}\n", 2, "api_token", "never"),
    "in a list": Bad("drivers: {sf: {driver: solidfire, config: {secrets: [hunter2]}}}\n", 2, "secrets[0]", "never"),
    "deeper": Bad(
        "drivers: {sf: {driver: solidfire, config: {secret: {value: hunter2}}}}\n", 2, "secret.value", "never"
    ),
    "in an address": Bad(
        "drivers: {sf: {driver: solidfire, config: {url: 'https://a:hunter2@h'}}}\n", 2, "url", "address"
    ),
    "outside the prefix": Bad(
        "drivers: {sf: {driver: solidfire, config: {password: {env: HOME}}}}\n", 2, "env", "ALLOCATOR_SECRET_"
    ),
    "outside the root": Bad(
        "drivers: {sf: {driver: solidfire, config: {password: {file: /etc/../hunter2}}}}\n",
        2,
        "password.file",
        "absolute",
    ),
    "in CHAP": Bad(
        "hosts: [{name: h, zone: z, endpoints: [{iqn: iqn.2020-01.a:b, chap: {user: u, secret: hunter2}}]}]",
        2,
        "hosts[h].endpoints[0].chap.secret",
        "never written",
    ),
    "in details": Bad(
        "pools: [{name: p, driver: sf, zone: z, details: {password: hunter2}}]\n",
        2,
        "details.password",
        "never",
    ),
}


def refused(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        load([], Policy(), {"fleet.yaml": text})
    return caught.value


def check(bad: Bad, error: DocumentError) -> None:
    said = str(error)
    assert said.startswith(f"fleet.yaml:{bad.line}: "), said
    assert bad.key in error.key, said
    assert bad.says in said
    assert " Maybe " in said
    assert said.endswith((".", "?"))
    assert said.isprintable()
    assert len(said) < 500


@pytest.mark.parametrize("bad", ENTRIES.values(), ids=ENTRIES.keys())
def test_a_bad_entry_is_told_in_one_line(bad: Bad) -> None:
    check(bad._replace(line=bad.line + 1), refused("version: 1\n" + bad.text))


@pytest.mark.parametrize("bad", REFERENCES.values(), ids=REFERENCES.keys())
def test_a_reference_to_nothing_is_told_in_one_line(bad: Bad) -> None:
    check(bad, refused(FLEET + bad.text))


@pytest.mark.parametrize("bad", TEXTS.values(), ids=TEXTS.keys())
def test_a_bad_text_is_told_in_one_line(bad: Bad) -> None:
    check(bad, refused(bad.text))


@pytest.mark.parametrize("bad", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_refused_and_not_repeated(bad: Bad) -> None:
    error = refused("version: 1\n" + bad.text)
    check(bad, error)
    assert "hunter2" not in repr(error.args)
    assert "12345678" not in str(error)


def test_the_fleet_itself_is_good() -> None:
    assert set(load([], Policy(), {"fleet.yaml": FLEET}).inventory.pools) == {"sf-1"}


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"version: 1\nvms: [{name: \xff}]\n", ":2: ", "Byte 25 of the file is not UTF-8"),
        (b"\xff\xfev\x00", ":1: ", "not UTF-8"),
        (b"version: 1\n\x00", ":2: ", "control character"),
    ],
)
def test_a_file_that_is_no_text_is_told_in_one_line(tmp_path: Path, content: bytes, line: str, says: str) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        load([path], Policy())
    said = str(caught.value)
    assert said.startswith(f"{path}{line}")
    assert says in said
    assert " Maybe " in said


@pytest.mark.parametrize("name", [".", "missing.yaml", "missing\n.yaml", "x\0y"])
def test_a_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError, match=r"cannot be read: .*Maybe") as caught:
        load([tmp_path / name], Policy())
    assert str(caught.value).isprintable()


def test_a_file_beyond_256_mib_is_refused_without_reading_all_of_it() -> None:
    with pytest.raises(DocumentError, match=r"/dev/zero: The file is larger than 256 MiB\. Maybe"):
        load([Path("/dev/zero")], Policy())
