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
