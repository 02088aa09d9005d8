"""What the spec refuses before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from livemove.model.errors import SpecError
from livemove.model.spec import Infra, load_spec, project_root
from tests.raising import raises

EXAMPLE = project_root() / "include" / "migrations" / "example-aws.yaml"


@pytest.mark.parametrize("idc", ["10.60.0.0/16", "10.60.7.0/24", "10.0.0.0/8"])
def test_through_a_vpn_the_new_network_is_not_one_of_the_data_centre(idc: str) -> None:
    networks = {"vpc_cidr": "10.60.0.0/16", "idc_cidrs": ("192.0.2.0/24", idc)}
    with raises(ValidationError, "vpc_cidr", "10.60.0.0/16", idc):
        Infra.model_validate(networks)
    Infra.model_validate({**networks, "connectivity": "public_allow_list"})


def test_networks_that_lie_apart_are_taken() -> None:
    made = Infra(vpc_cidr="10.60.0.0/16", idc_cidrs=("10.20.0.0/16", "2001:db8::/32"))
    assert made.connectivity == "vpn"


@pytest.mark.parametrize("wrong", ["10.60.0.0/33", "10.60.0.1/16", "the office"])
def test_a_network_of_the_vpc_that_is_none_is_refused(wrong: str) -> None:
    with raises(ValidationError, "vpc_cidr"):
        Infra(vpc_cidr=wrong)


def test_the_file_and_the_field_are_named(tmp_path: Path) -> None:
    wrong = tmp_path / "listings.yaml"
    text = EXAMPLE.read_text(encoding="utf-8")
    wrong.write_text(text.replace("idc_cidrs: [10.20.0.0/16]", "idc_cidrs: [10.60.8.0/22]"), encoding="utf-8")
    with raises(SpecError, "listings.yaml:", "10.60.0.0/16", "10.60.8.0/22"):
        load_spec(wrong)


def test_the_example_names_its_vpn_and_a_network_of_its_own(tmp_path: Path) -> None:
    copy = tmp_path / "listings.yaml"
    copy.write_bytes(EXAMPLE.read_bytes())
    infra = load_spec(copy).infra
    assert infra.vpn_gateway_id
    assert infra.vpc_cidr not in infra.idc_cidrs


def edited(tmp_path: Path, *edits: tuple[str, str]) -> Path:
    """The example with each text replaced, which must be there."""
    copy = tmp_path / "listings.yaml"
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("field", "was", "now"),
    [
        ("directory", "directory: /srv/listings/livemove", "directory: livemove"),
        ("settings_link", "settings_link: /srv/listings/app/listings.env", "settings_link: app/x.env"),
        ("drain.log", "source: http ", "source: log\n  log: logs/access.log\n  # "),
    ],
)
def test_a_path_over_ssm_must_be_absolute(tmp_path: Path, field: str, was: str, now: str) -> None:
    with raises(SpecError, "listings.yaml:", field, "absolute", "SSM"):
        load_spec(edited(tmp_path, (was, now)))


@pytest.mark.parametrize("said", ["0640", '"0640"'])
def test_the_mode_of_the_settings_may_be_written_as_yaml_reads_it(tmp_path: Path, said: str) -> None:
    path = edited(tmp_path, ('    # settings_mode: "0640"', f"    settings_mode: {said}"))
    assert load_spec(path).servers[0].settings_mode == "0640"


@pytest.mark.parametrize("said", ["0644", "640", "rw-r-----", "0777"])
def test_a_mode_that_lets_others_read_the_password_is_refused(tmp_path: Path, said: str) -> None:
    with raises(SpecError, "settings_mode", "for example 0640"):
        load_spec(edited(tmp_path, ('    # settings_mode: "0640"', f"    settings_mode: {said}")))


def test_the_settings_folder_may_not_lie_among_pages_that_are_served(tmp_path: Path) -> None:
    edits = (
        ("settings_link: /srv/listings/app/listings.env", "settings_link: /var/www/html/wp-config.php"),
        ("directory: /srv/listings/livemove", "directory: /var/www/html/livemove"),
    )
    with raises(SpecError, "directory", "/var/www/html/livemove lies below /var/www/html"):
        load_spec(edited(tmp_path, *edits))
    assert load_spec(edited(tmp_path, edits[0])).servers[1].work_folder == "/srv/listings"


@pytest.mark.parametrize("said", ["www-data; rm -rf /", "-u root", "$USER"])
def test_a_user_is_a_plain_name(tmp_path: Path, said: str) -> None:
    with raises(SpecError, "runs_as"):
        load_spec(edited(tmp_path, ("runs_as: www-data ", f'runs_as: "{said}" ')))


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("    reach: ssh\n", "    reach: ssm\n", ("needs instance", "mi-")),
        (
            "reach: ssm                      #",
            "reach: ssm\n    instance: mi-0123456789abcdef0\n    #",
            ("only for",),
        ),
        (
            "reach: ssm                      #",
            "reach: ssm\n    jump: bastion\n    #",
            ("jump", "over SSH only"),
        ),
    ],
)
def test_ways_to_a_server_that_cannot_be(tmp_path: Path, was: str, now: str, words: tuple[str, ...]) -> None:
    absolute = (
        ("directory: livemove ", "directory: /srv/livemove "),
        ("settings_link: app/", "settings_link: /srv/app/"),
    )
    with raises(SpecError, "servers", *words):
        load_spec(edited(tmp_path, *absolute, (was, now)))


def test_a_server_of_the_data_centre_may_be_a_hybrid_node_of_ssm(tmp_path: Path) -> None:
    path = edited(
        tmp_path,
        ("directory: livemove ", "directory: /srv/livemove "),
        ("settings_link: app/", "settings_link: /srv/app/"),
        ("    reach: ssh\n", "    reach: ssm\n    instance: mi-0123456789abcdef0\n"),
    )
    assert load_spec(path).servers[0].instance == "mi-0123456789abcdef0"
