"""What a configuration may say: cases of one text, and all that is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError, InputError
from reconciler.kinds.packaged import configuration_schema
from reconciler.load.configuration import named_configuration
from reconciler.model.configuration import Auth, AuthMethod, ClientAuth, Configuration, TokenServer
from reconciler.plan.limits import parse_limit
from reconciler.validate.configuration import read_configuration
from reconciler.validate.schema import is_valid
from tests.properties import examples

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """\
paths: [keys/]
apis:
  gcore: {}
  github:
    base_url: https://API.github.com/
    auth: {header: Authorization, scheme: Bearer}
    headers: {X-GitHub-Api-Version: "2022-11-28"}
    kinds: kinds/github/
    parallelism: 4
limits: {max_revoked: 30%, max_changes: 5}
processes: 6
environments:
  staging:
    paths: [keys/staging/]
    apis: {github: {base_url: "https://staging.example.com"}}
    limits: {max_changes: 50}
    processes: auto
  production: {paths: [keys/production/]}
"""


def read(folder: Path, text: str, environment: str | None = None) -> Configuration:
    file = folder / "reconciler.yaml"
    file.write_text(text, encoding="utf-8")
    return read_configuration(named_configuration(str(file)), environment)


def faults(folder: Path, text: str, environment: str | None = None) -> list[str]:
    with pytest.raises(InputError) as refused:
        read(folder, text, environment)
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)
    assert found.paths == (f"{tmp_path}/keys/",)
    assert list(found.apis) == ["gcore", "github"]
    assert found.limits == {"max_revoked": "30%", "max_changes": "5"}
    assert found.processes == "6"
    api = found.apis["github"]
    assert (api.base_url, api.auth, api.parallelism) == ("https://api.github.com", Auth(), 4)
    assert (api.kinds, api.headers) == (
        f"{tmp_path}/kinds/github/",
        {"X-GitHub-Api-Version": "2022-11-28"},
    )
    assert found.kinds == (f"{tmp_path}/kinds/github/",)


def test_an_environment_replaces_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE, "staging")
    assert found.environment == "staging"
    assert found.paths == (f"{tmp_path}/keys/staging/",)
    assert found.limits == {"max_revoked": "30%", "max_changes": "50"}
    assert found.apis["github"].base_url == "https://staging.example.com"
    assert found.apis["github"].parallelism == 4
    assert (found.processes, "processes" in found.overridden) == ("auto", True)
    assert read(tmp_path, WHOLE, "production").limits == {"max_revoked": "30%", "max_changes": "5"}


AUTHS = {
    "gcore: {}": Auth(scheme="apikey"),
    "gcore: {auth: {scheme: Bearer}}": Auth(),
    "gcore: {auth: {header: X-Key}}": Auth(header="X-Key", scheme=""),
    "a: {base_url: 'https://h'}": Auth(),
    "a: {base_url: 'https://h', auth: {scheme: ''}}": Auth(scheme=""),
    "a: {base_url: 'https://h', auth: {header: DD-API-KEY, second_header: DD-APP}}": Auth(
        header="DD-API-KEY", scheme="", second_header="DD-APP"
    ),
    "a: {base_url: 'https://h', auth: {basic: true}}": Auth(AuthMethod.BASIC, scheme="Basic"),
    "a: {base_url: 'https://h', auth: {oauth2: {token_url: 'https://L/o/token/', scopes: [r, w],"
    " audience: x, client_auth: client_secret_post}}}": Auth(
        AuthMethod.OAUTH2,
        server=TokenServer("https://l/o/token/", ("r", "w"), "x", ClientAuth.POST),
    ),
}


@pytest.mark.parametrize("text", AUTHS)
def test_an_authentication_that_is_left_out_is_the_usual_one(tmp_path: Path, text: str) -> None:
    (api,) = read(tmp_path, f"apis:\n  {text}\n").apis.values()
    assert api.auth == AUTHS[text]


WRONG = {
    "path: [a]\n": "1:1: path is not a known field; did you mean paths?",
    "paths: []\n": "1:8: paths is empty; write a file or a folder",
    "paths: keys\n": '1:8: paths must be a list, not the text "keys"',
    "paths: [keys, keys]\n": '1:8: paths lists "keys" more than once; remove the repetition',
    "paths: [/etc]\n": "1:9: paths[0] is not a path relative to this file; write one such as keys/",
    "paths: [~/keys]\n": "1:9: paths[0] is not a path relative to this file; write one such as keys/",
    "paths: ['-']\n": "1:9: paths[0] is not a path relative to this file; write one such as keys/",
    'paths: ["a\\0"]\n': "1:9: paths[0] is not a path relative to this file; write one such as keys/",
    "apis: {GitHub: {}}\n": '1:7: apis "GitHub" is not allowed; name an API in lower-case letters, digits and'
    " hyphens",
    "apis: {gcore: {kinds: k}, a: {base_url: 'https://h', kinds: ./k/}}\n": "1:61: apis.a.kinds is also the"
    " folder of gcore; use one folder for each API",
    "apis: {github: {}}\n": "1:16: apis.github.base_url is missing; write the address of the API",
    "apis: {a: {base_url: 'http://h'}}\n": "1:22: apis.a.base_url cannot be used: it would send the token"
    " unencrypted; use https:// (http:// is accepted for loopback addresses only)",
    "apis: {a: {base_url: 'https://u:secret@h'}}\n": "1:22: apis.a.base_url cannot be used: it holds a user"
    " name or password; write one like https://api.example.com",
    "apis: {a: {base_url: 'https://a_b'}}\n": "1:22: apis.a.base_url cannot be used: its host cannot be part"
    " of the name of a variable; use a host name of letters, digits and hyphens",
    "apis: {a: {base_url: 'https://[::1]'}}\n": "1:22: apis.a.base_url cannot be used: its host cannot be"
    " part of the name of a variable; use a host name of letters, digits and hyphens",
    "apis: {gcore: {auth: {token: abc}}}\n": "1:23: apis.gcore.auth.token is not read from a file under"
    " review; remove it, and set RECONCILER_TOKEN_ with the name of the host, such as"
    " RECONCILER_TOKEN_api_github_com",
    "apis: {gcore: {auth: {scheme: 'Bearer secret'}}}\n": '1:31: apis.gcore.auth.scheme "Bearer secret" is'
    ' not allowed; write one word such as Bearer or token, or "" for none',
    "apis: {gcore: {auth: {header: Cookie}}}\n": (
        "1:31: apis.gcore.auth.header Cookie cannot carry a token; use another header"
    ),
    "apis: {gcore: {auth: {second_header: authorization}}}\n": "1:38: apis.gcore.auth.second_header"
    " authorization cannot carry a token; use another header",
    "apis: {gcore: {auth: {header: X-A, second_header: x-a}}}\n": "1:51: apis.gcore.auth.second_header is"
    " the same as header; use another one",
    "apis: {gcore: {auth: {basic: true, scheme: A}}}\n": "1:44: apis.gcore.auth.scheme cannot be combined"
    " with basic; remove one of the two",
    "apis: {gcore: {auth: {basic: true, oauth2: {token_url: 'https://h'}}}}\n": "1:22: apis.gcore.auth has"
    " both basic and oauth2; keep one",
    "apis: {gcore: {auth: {oauth2: {}}}}\n": "1:31: apis.gcore.auth.oauth2.token_url is missing; write it,"
    ' for example token_url: "https://login.example.com/oauth/token"',
    "apis: {gcore: {auth: {oauth2: {token_url: 'http://h'}}}}\n": "1:43: apis.gcore.auth.oauth2.token_url"
    " cannot be used: it would send the token unencrypted; use https:// (http:// is accepted for loopback"
    " addresses only)",
    "apis: {gcore: {headers: {Host: h}}}\n": "1:32: apis.gcore.headers.Host authenticates, routes or frames a"
    " request; use another header, or remove it",
    "apis: {gcore: {headers: {Authorization: h}}}\n": "1:41: apis.gcore.headers.Authorization authenticates,"
    " routes or frames a request; use another header, or remove it",
    "apis: {gcore: {auth: {header: X-Key}, headers: {x-key: h}}}\n": "1:56: apis.gcore.headers.x-key carries"
    " a token; use another header, or remove it",
    "apis: {gcore: {headers: {X-A: h, x-a: h}}}\n": "1:39: apis.gcore.headers.x-a differs from another header"
    " only in upper and lower case; use another header, or remove it",
    "apis: {gcore: {kinds: ../kinds}}\n": "1:23: apis.gcore.kinds leads out of {folder}; use a path in it",
    "limits: {max_revoked: 300%}\n": '1:23: limits.max_revoked "300%" is not allowed; write a number of keys,'
    " or a percentage such as 30%",
    "limits: {max_revoke: 3}\n": "1:10: limits.max_revoke is not a known field; did you mean max_revoked?",
    "processes: 257\n": "1:12: processes 257 is too large; the largest is 256",
    "processes: many\n": '1:12: processes "many" is not allowed; write a number of processes, or auto',
    "dask: tcp://h:8786\n": "1:1: dask is not a known field; known fields: paths, apis, limits, renew,"
    " rotate, processes, environments",
    "environments: {a: {apis: {gcor: {}}}}\napis: {gcore: {}}\n": "1:33: environments.a.apis.gcor is not an"
    " API of this file; did you mean gcore?",
    "environments: {a: {paths: [../b], apis: {gcore: {kinds: /k, base_url: 'http://h', headers: {Host: h},"
    " auth: {header: Cookie}}}}}\napis: {gcore: {}}\n": (
        "1:28: environments.a.paths[0] leads out of {folder}; use a path in it\n"
        "1:57: environments.a.apis.gcore.kinds is not a path relative to this file; write one such as keys/\n"
        "1:71: environments.a.apis.gcore.base_url cannot be used: it would send the token unencrypted; use"
        " https:// (http:// is accepted for loopback addresses only)\n"
        "1:99: environments.a.apis.gcore.headers.Host authenticates, routes or frames a request; use another"
        " header, or remove it\n"
        "1:118: environments.a.apis.gcore.auth.header Cookie cannot carry a token; use another header"
    ),
    "environments: {a: {environments: {}}}\n": "1:20: environments.a.environments is not a known field; known"
    " fields: paths, apis, limits, renew, rotate, processes",
    "kind: caas\nkeys: []\n": "2:1: contains desired state, but has the name of the configuration file;"
    " rename"
    " it",
    "[]\n": "1:1: the configuration must be a mapping, not a list",
    "": " declares nothing; write a configuration",
    "paths: [a]\n---\npaths: [b]\n": " holds several documents; a configuration is one",
    "paths: [a]\npaths: [b]\n": '2:1: duplicate key "paths"',
}


@pytest.mark.parametrize("text", WRONG)
def test_a_fault_is_reported_with_place_and_remedy(tmp_path: Path, text: str) -> None:
    expected = WRONG[text].replace("{folder}", str(tmp_path))
    assert faults(tmp_path, text) == [f"reconciler.yaml:{line}" for line in expected.splitlines()]


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = "paths: [/etc, ../up]\napis:\n  a: {}\n  b: {base_url: 'http://h', headers: {Cookie: x}}\n"
    assert [fault.split(":")[1] for fault in faults(tmp_path, text)] == ["1", "1", "3", "4", "4"]


def test_an_address_may_be_left_to_the_environments(tmp_path: Path) -> None:
    text = "apis: {a: {}}\nenvironments:\n  one: {apis: {a: {base_url: 'https://one'}}}\n"
    assert read(tmp_path, text, "one").apis["a"].base_url == "https://one"
    assert faults(tmp_path, text) == [
        "reconciler.yaml:1:11: apis.a.base_url is missing; write the address of the API"
    ]
    lacking = f"{text}  two: {{}}\n"
    expected = "apis.a.base_url is missing in the environment two; write the address of the API"
    assert faults(tmp_path, lacking, "one") == [f"reconciler.yaml:1:11: {expected}"]


@pytest.mark.parametrize(
    ("name", "advice"), [("stagin", "did you mean staging?"), ("x", "it has staging, production")]
)
def test_an_unknown_environment_is_named_with_what_there_is(tmp_path: Path, name: str, advice: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--env {name} is not an environment of .*; {advice}"):
        read(tmp_path, WHOLE, name)


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work/.git").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "work/link").symlink_to("../outside")
    (tmp_path / "work/inner").symlink_to("kinds")
    (tmp_path / "work/kinds").mkdir()
    (tmp_path / "work/git").symlink_to(".git")
    text = "paths: [link, inner, link/a]\napis: {gcore: {kinds: git}}\n"
    found = faults(tmp_path / "work", text)
    assert [fault.partition(" is ")[0].partition(" goes ")[0] for fault in found] == [
        "reconciler.yaml:1:9: paths[0]",
        "reconciler.yaml:1:22: paths[2]",
        "reconciler.yaml:2:23: apis.gcore.kinds",
    ]


def test_a_folder_above_is_allowed_inside_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "ops").mkdir()
    found = read(tmp_path / "ops", "paths: [../keys]\n")
    assert found.paths == (f"{tmp_path}/ops/../keys",)
    assert faults(tmp_path / "ops", "paths: [../../keys]\n") == [
        f"reconciler.yaml:1:9: paths[0] leads out of {tmp_path}; use a path in it"
    ]
    assert faults(tmp_path / "ops", "paths: [../.git/hooks]\n")[0].endswith("use another")


def test_a_limit_is_a_whole_number_however_it_is_written(tmp_path: Path) -> None:
    found = read(
        tmp_path, "limits: {max_revoked: 5.0, max_changes: 1e1}\napis: {gcore: {parallelism: 4.0}}\n"
    )
    assert (found.limits, found.apis["gcore"].parallelism) == ({"max_revoked": "5", "max_changes": "10"}, 4)


WORDS = ["paths", "apis", "limits", "environments", "gcore", "a", "base_url", "auth", "headers", "kinds"]
WORDS += ["parallelism", "max_revoked", "max_changes", "header", "scheme", "second_header", "basic", "oauth2"]
WORDS += ["token_url", "scopes", "audience", "client_auth", "token", "X-A", "Host", "processes"]
TEXTS = ["https://h", "http://127.0.0.1:1/x/", "https://[", "https://h:99999", "https://a_b", "keys", "../x"]
TEXTS += ["/etc", "a" * 300, "\U0001f511", "-", "Bearer", "30%", "client_secret_post", "", "Cookie", "X-A"]
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(TEXTS)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
AUTH = st.dictionaries(st.sampled_from(WORDS[13:]), VALUE, max_size=3)
API = st.dictionaries(st.sampled_from(WORDS[6:11]), VALUE | AUTH, max_size=4)
APIS = st.dictionaries(st.sampled_from(["gcore", "a", "b-c"]), API, max_size=3)
PART = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["paths", "limits", "processes"], VALUE) | {"apis": APIS | VALUE}
)
WHOLE_FILE = st.builds(
    lambda part, inner: part | inner,
    PART,
    st.fixed_dictionaries({}, optional={"environments": st.dictionaries(st.sampled_from(["x", "y"]), PART)}),
)


@examples(50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WHOLE_FILE | VALUE, st.none() | st.sampled_from(["x", "z"]))
def test_whatever_a_file_holds_it_is_read_or_its_faults_are_reported(
    tmp_path: Path, data: Any, environment: str | None
) -> None:
    found: Configuration | list[Any]
    try:
        found = read(tmp_path, json.dumps(data), environment)
    except InputError as error:
        found = [problem.position for problem in error.problems]
    except ConfigurationError as error:
        found = [str(error)]
    if isinstance(found, list):
        assert found
        assert None not in found
    else:
        assert all(parse_limit(text) is not None for text in found.limits.values())
        assert all(name == "gcore" or api.base_url for name, api in found.apis.items())


def test_the_examples_of_the_schema_are_valid() -> None:
    schema = configuration_schema()
    for name, described in schema["definitions"].items():
        for example in described.get("examples", ()):
            assert is_valid(example, {**described, "definitions": schema["definitions"]}), (name, example)
    assert json.dumps(schema)
