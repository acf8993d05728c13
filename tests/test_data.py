"""Shipped files are found from a checkout and from an installed package, however often they are asked for."""

from kubeaudit import data


def test_folders_are_found_again_after_their_packages_were_imported() -> None:
    for _ in range(2):
        assert (data.template_folder() / "page.html.j2").is_file()
        assert any(item.name == "workload" for item in data.policy_folder().iterdir())


def test_schema_ships() -> None:
    assert data.file("result-v1.schema.json").is_file()
