"""CHK-37: what is taken for a credential, what is not, and what stands in its place."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.collect.credentials import arguments, by_shape, in_text, mask, named, secret_kind, suspicious

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\nTUlJRQ==\n-----END RSA PRIVATE KEY-----"
SECRETS = st.text("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", min_size=9, max_size=24).map(
    "Z9".__add__
)


def test_a_mask_tells_kind_length_and_two_characters_of_the_digest() -> None:
    digest = hashlib.sha256(b"hunter2").hexdigest()
    assert mask("password", "hunter2") == f"redacted:password,len=7,sha256={digest[:2]}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DB_PASSWORD", "password"),
        ("PGPASSWORD", "password"),
        ("mysql-root-passwd", "password"),
        ("DB_PASS", "password"),
        ("PASSWORD_2", "password"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("clientSecret", "secret"),
        ("GITHUB_TOKEN", "token"),
        ("--auth-token", "token"),
        ("apiKey", "key"),
        ("ACCESSKEY", "key"),
        ("GOOGLE_CREDENTIALS", "credential"),
        ("Authorization", "authorization"),
        ("TOKEN_URL", ""),
        ("SECRET_NAME", ""),
        ("secretKeyRef", ""),
        ("AWS_ACCESS_KEY_ID", ""),
        ("TLS_KEY_FILE", ""),
        ("--tls-private-key-file", ""),
        ("SSH_PUBLIC_KEY", ""),
        ("KEYCLOAK_HOST", ""),
        ("MONKEY", ""),
        ("BYPASS", ""),
        ("TOKENIZERS_PARALLELISM", ""),
        ("LOG_LEVEL", ""),
        ("2", ""),
        ("", ""),
    ],
)
def test_names_that_promise_a_credential(name: str, kind: str) -> None:
    assert secret_kind(name) == kind


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "aws-access-key"),
        ("x ASIAIOSFODNN7EXAMPLE y", "ASIAIOSFODNN7EXAMPLE", "aws-access-key"),
        (f"key: {JWT}", JWT, "jwt"),
        (f"a\n{PEM}\nb", PEM, "private-key"),
        (PEM.partition("-----END")[0], PEM.partition("-----END")[0], "private-key"),
        ("postgres://app:s3cr3t@db:5432/x", "s3cr3t", "url-password"),
        ("mongodb+srv://app:a@b@db/x", "a@b", "url-password"),
        ("redis://:s3cr3t@cache", "s3cr3t", "url-password"),
        ("app:s3cr3t@tcp(db:3306)/x", "s3cr3t", "password"),
        ("Bearer abcdef123456", "abcdef123456", "authorization"),
        ("Basic dXNlcjpwYXNz1=", "dXNlcjpwYXNz1=", "authorization"),
        ("ghp_abcdefghijklmnopqrst", "ghp_abcdefghijklmnopqrst", "api-token"),
        ("glpat-abcdefghijklmnopqrst", "glpat-abcdefghijklmnopqrst", "api-token"),
    ],
)
def test_credentials_by_their_shape(text: str, secret: str, kind: str) -> None:
    assert by_shape(text) == text.replace(secret, mask(kind, secret))
    assert suspicious([text])


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        ("--password=hunter2 --verbose", "hunter2", "password"),
        ("mysql --password hunter2 -h db", "hunter2", "password"),
        ("Server=db;Password=hunter2", "hunter2", "password"),
        ("https://x/?api_key=hunter2&page=3", "hunter2", "key"),
        ("export TOKEN='hun ter2'; run", "hun ter2", "token"),
        ('{"client_secret": "hunter2", "a": 1}', "hunter2", "secret"),
        ('{"password": "hun\\"ter2"}', 'hun\\"ter2', "password"),
        ('"{\\"password\\":\\"hunter2\\"}"', "hunter2", "password"),
        ("db:\n  password: it's hunter2\n  port: 1", "it's hunter2", "password"),
        ("password: |\n  hunter2\n  hunter3\nport: 1", "hunter2\n  hunter3", "password"),
        ('curl -H "Authorization: Bearer $x hunter2" url', "Bearer $x hunter2", "authorization"),
        ("curl -u admin:hunter2 url", "hunter2", "password"),
        ('{"auths":{"r":{"auth":"dXNlcjpwYXNz"}}}', "dXNlcjpwYXNz", "basic-auth"),
        ('[{"name":"DB_PASSWORD","value":"hunter2"}]', "hunter2", "password"),
        ("- name: API_TOKEN\n  value: hunter2\n- name: X\n  value: y", "hunter2", "token"),
        (f"tls_key: {PEM}\nport: 1", PEM, "private-key"),
    ],
)
def test_credentials_by_the_name_beside_them(text: str, secret: str, kind: str) -> None:
    assert in_text(text) == text.replace(secret, mask(kind, secret))
    assert suspicious([text])


@pytest.mark.parametrize(
    "text",
    [
        "--tls-private-key-file=/etc/tls/tls.key --client-key=/etc/kubernetes/pki/x.key",
        "--use-service-account-credentials=true --token-ttl=3h",
        "password=$(DB_PASSWORD)",
        "Authorization: Bearer ${TOKEN}",
        "https://user:$(PASSWORD)@host",
        "https://user@host/x http://host:80/a@b git@github.com:org/repo",
        "max_tokens: 4096",
        '{"imagePullSecrets":[{"name":"x"}],"token":null}',
        '{"key":"node.kubernetes.io/not-ready","operator":"Exists"}',
        '{"auth":"basic"}',
        "the secret is out, and no token of it",
        "docker run --user 1000:1000 x",
        "checksum eyJnot-a-jwt",
        "redacted:password,len=7,sha256=f5",
    ],
)
def test_what_is_no_credential_stays_readable(text: str) -> None:
    assert in_text(text) == text


def test_named_values_are_masked_whole() -> None:
    assert named("DB_PASSWORD", "a b: c") == mask("password", "a b: c")
    assert named("SESSION_KEY", "a1") == mask("key", "a1")
    assert named("GOOGLE_APPLICATION_CREDENTIALS", "/var/run/secrets/key.json") == "/var/run/secrets/key.json"
    assert named("DB_PASSWORD", "") == ""
    assert named("DB_PASSWORD", "$(OTHER)") == "$(OTHER)"
    assert named("DB_URL", "pg://a:b@c") == "pg://a:" + mask("url-password", "b") + "@c"


def test_flags_and_their_values_in_command_lines() -> None:
    words = [
        "--password",
        "a b",
        "-u",
        "me:pw",
        "-u",
        "1000:1000",
        "--token=c d",
        "--set=db.password=e",
        "-e",
        "API_KEY=f1",
    ]
    assert arguments([*words, "--verbose", "--secret", "--x", "plain"]) == [
        "--password",
        mask("password", "a b"),
        "-u",
        "me:" + mask("password", "pw"),
        "-u",
        "1000:1000",
        "--token=" + mask("token", "c d"),
        "--set=db.password=" + mask("password", "e"),
        "-e",
        "API_KEY=" + mask("key", "f1"),
        "--verbose",
        "--secret",
        "--x",
        "plain",
    ]
    assert suspicious(words[:2])
    assert suspicious(words[2:4])


@given(SECRETS, st.sampled_from(["--password={}", "x token={} y", '{{"apiKey":"{}"}}', "http://u:{}@h/", "secret: {}"]))
def test_a_planted_secret_never_stays(secret: str, form: str) -> None:
    assert secret not in in_text(form.format(secret))


@given(
    st.lists(
        st.sampled_from(
            [
                "password",
                "=",
                ": ",
                '"',
                "'",
                "\\",
                "\n",
                " ",
                "a1b2c3d4",
                "-u ",
                "x:",
                "@",
                "://",
                "eyJ",
                ".",
                "-",
                "{",
                "name",
                "value",
                ",",
                "|",
                "-----BEGIN PRIVATE KEY-----",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = in_text(text)
    assert in_text(once) == once
    assert suspicious([text]) or once == text
