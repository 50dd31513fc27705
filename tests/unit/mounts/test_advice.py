"""Docker's traps, met and explained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from webui.mounts import VOLUME_OR_BIND, Advice, Mount, MountFacts, MountType, check, explain, explain_declared

VOLUME = Mount(MountType.VOLUME, "my_folder", "/data")
BIND = Mount(MountType.BIND, "/srv/files", "/data")
TMPFS = Mount(MountType.TMPFS, "", "/run/x")
HERE = MountFacts(start_folder="/home/ada/project", home="/home/ada")


def advice_on(mount: Mount, facts: MountFacts, code: str) -> Advice:
    found = {advice.code: advice for advice in explain(mount, facts)}
    assert code in found, list(found)
    return found[code]


def codes(mount: Mount, facts: MountFacts = HERE) -> set[str]:
    return {advice.code for advice in explain(mount, facts)}


def test_a_bare_word_makes_a_new_volume_and_the_folder_is_one_click_away() -> None:
    advice = advice_on(VOLUME, replace(HERE, volume_names=frozenset({"other"})), "bare-word")
    assert advice.severity == "warning"
    assert "/home/ada/project/my_folder" in advice.message
    assert advice.fixes[0].mount == Mount(MountType.BIND, "/home/ada/project/my_folder", "/data")
    assert advice.fixes[1].mount == VOLUME


def test_an_existing_or_wanted_volume_is_only_mentioned() -> None:
    assert advice_on(VOLUME, replace(HERE, volume_names=frozenset({"my_folder"})), "existing-volume").severity == "info"
    assert "bare-word" not in codes(VOLUME, replace(HERE, volume_names=frozenset(), new_volume=True))


def test_a_name_that_differs_only_by_case_is_pointed_out() -> None:
    advice = advice_on(VOLUME, replace(HERE, volume_names=frozenset({"My_Folder"})), "other-case")
    assert advice.fixes[0].mount.source == "My_Folder"


def test_a_path_in_a_volume_row_becomes_a_bind_with_one_click() -> None:
    advice = advice_on(replace(VOLUME, source="/etc"), HERE, "path-as-volume")
    assert advice.severity == "danger"
    assert advice.fixes[0].mount == Mount(MountType.BIND, "/etc", "/data")
    relative = advice_on(replace(VOLUME, source="a/b"), HERE, "path-as-volume")
    assert relative.fixes[0].mount.source == "/home/ada/project/a/b"


def test_a_relative_target_is_made_absolute_with_one_click() -> None:
    advice = advice_on(replace(VOLUME, target="data/x"), HERE, "relative-target")
    assert (advice.severity, advice.fixes[0].mount.target) == ("danger", "/data/x")


def test_a_missing_folder_is_never_created_silently() -> None:
    advice = advice_on(BIND, replace(HERE, source_exists=False), "missing-source")
    assert "root" in advice.message
    assert advice.fixes[0].mount == replace(BIND, create_missing=True)
    chosen = advice_on(replace(BIND, create_missing=True), replace(HERE, source_exists=False), "created-source")
    assert chosen.fixes[0].mount == BIND
    assert not codes(BIND, replace(HERE, source_exists=True)) & {"missing-source", "created-source"}


def test_what_happens_to_the_images_files_is_said() -> None:
    facts = replace(HERE, image_content=True)
    assert advice_on(BIND, facts, "hides-image-content").severity == "warning"
    assert advice_on(TMPFS, facts, "hides-image-content").severity == "warning"
    assert advice_on(VOLUME, replace(facts, likely_empty=False), "volume-hides-content").severity == "info"
    filled = advice_on(VOLUME, replace(facts, likely_empty=True), "filled-from-image")
    assert filled.fixes[0].mount == replace(VOLUME, no_copy=True)
    assert "nocopy" in codes(replace(VOLUME, no_copy=True), replace(facts, volume_names=frozenset()))
    assert not codes(VOLUME, replace(facts, image_content=False)) & {"filled-from-image", "volume-hides-content"}


@pytest.mark.parametrize(
    "path",
    ["/", "//", "/etc", "/etc/", "/etc/ssh", "/usr", "/var", "/boot", "/dev", "/proc", "/sys", "/root", "/home", "/var/lib/docker",
     "/var/lib/docker/volumes/x/_data", "/var/lib", "/srv/engine/volumes", "/home/ada", "/home/ada/.ssh", "C:\\", "C:\\Windows\\x"],
)  # fmt: skip
def test_system_paths_need_a_typed_confirmation(path: str) -> None:
    advice = advice_on(replace(BIND, source=path), replace(HERE, data_folder="/srv/engine"), "system-path")
    assert advice.severity == "danger"
    assert advice.needs_confirmation


@pytest.mark.parametrize(
    "path", ["/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/user/1000/docker.sock"]
)
def test_the_engines_socket_needs_one_even_read_only(path: str) -> None:
    advice = advice_on(replace(BIND, source=path, read_only=True), HERE, "engine-socket")
    assert (advice.severity, advice.needs_confirmation) == ("danger", path)


@pytest.mark.parametrize("path", ["/srv/files", "/home/ada/project", "/mnt/disk", "/tmp/x", "/etcetera", "/data"])
def test_ordinary_folders_need_none(path: str) -> None:
    assert not any(advice.needs_confirmation for advice in explain(replace(BIND, source=path), HERE))


def test_the_time_zone_may_be_read() -> None:
    clock = Mount(MountType.BIND, "/etc/localtime", "/etc/localtime", read_only=True)
    assert "system-path" not in codes(clock)
    assert "system-path" in codes(replace(clock, read_only=False))


def test_driver_options_that_are_a_bind_are_seen_through() -> None:
    options = (("type", "none"), ("o", "bind"), ("device", "/"))
    danger = advice_on(replace(VOLUME, driver="local", driver_options=options), HERE, "host-access")
    assert (danger.severity, danger.needs_confirmation) == ("danger", "/")
    harmless = advice_on(VOLUME, replace(HERE, device="/srv/files"), "host-access")
    assert (harmless.severity, harmless.needs_confirmation) == ("warning", "")
    nfs = (("type", "nfs"), ("o", "addr=10.0.0.1"), ("device", ":/export"))
    assert "host-access" not in codes(replace(VOLUME, driver_options=nfs))


def test_several_writers_are_named_and_read_only_is_offered() -> None:
    advice = advice_on(VOLUME, replace(HERE, writers=("db", "web", "a", "b")), "several-writers")
    assert "“db”" in advice.message
    assert "1 more" in advice.message
    assert advice.fixes[0].mount == replace(VOLUME, read_only=True)
    assert "several-writers" in codes(BIND, replace(HERE, replicas=3))
    assert "several-writers" not in codes(replace(VOLUME, read_only=True), replace(HERE, writers=("db",)))


def test_an_anonymous_volume_gets_a_name_with_one_click() -> None:
    anonymous = Mount(MountType.VOLUME, "", "/var/lib/postgresql/data")
    advice = advice_on(anonymous, replace(HERE, volume_names=frozenset({"data"})), "anonymous-volume")
    assert advice.fixes[0].mount.source == "data-2"
    assert check(advice.fixes[0].mount) == {}


def test_what_lives_in_memory_is_said_to_go() -> None:
    assert {"tmpfs-emptied", "tmpfs-unlimited"} <= codes(TMPFS)
    assert "tmpfs-unlimited" not in codes(replace(TMPFS, tmpfs_size=1024))
    assert "tmpfs-emptied" in codes(VOLUME, replace(HERE, volume_kind="tmpfs"))


def test_swarm_and_remote_engines_are_explained() -> None:
    assert "swarm-local" in codes(VOLUME, replace(HERE, swarm=True))
    assert "swarm-local" not in codes(replace(VOLUME, driver="rclone"), replace(HERE, swarm=True))
    assert "remote-bind" in codes(BIND, replace(HERE, local=False))
    assert "remote-bind" not in codes(BIND, replace(HERE, local=True))


def test_an_image_that_keeps_its_data_deeper_is_pointed_out() -> None:
    facts = replace(HERE, image_declared_volumes=("/var/lib/postgresql/data",))
    advice = advice_on(replace(VOLUME, target="/var/lib/postgresql"), facts, "declared-below")
    assert advice.fixes[0].mount.target == "/var/lib/postgresql/data"
    assert "declared-below" not in codes(replace(VOLUME, target="/var/lib/postgresql/data"), facts)


def test_volumes_an_image_declares_are_listed_unless_mounted() -> None:
    (advice,) = explain_declared([VOLUME], ["/data/", "/logs"])
    assert advice.fixes[0].mount == Mount(MountType.VOLUME, "logs", "/logs")


def test_the_rest_of_the_traps_speak_up() -> None:
    assert "not-portable" in codes(BIND)
    assert "single-file" in codes(BIND, replace(HERE, source_is_folder=False))
    assert "hides-system" in codes(replace(VOLUME, target="/usr/"))
    assert "selinux-relabel" in codes(replace(BIND, selinux="Z"))


def test_what_is_unknown_gives_no_advice() -> None:
    assert codes(VOLUME, MountFacts()) == set()


def test_the_gravest_comes_first_and_each_has_a_page_to_read() -> None:
    found = explain(replace(BIND, source="/etc"), replace(HERE, source_exists=False, writers=("db",)))
    severities = [advice.severity for advice in found]
    assert severities == sorted(severities, key=["danger", "warning", "info"].index)
    assert all(advice.link.startswith("https://docs.docker.com/") for advice in found)


def test_the_comparison_answers_each_question_for_both() -> None:
    assert all(row.question and row.volume and row.bind for row in VOLUME_OR_BIND)


@pytest.mark.parametrize("target", ["data/../x", "..", "a/./../b"])
def test_no_fix_leads_to_a_target_that_is_refused_again(target: str) -> None:
    advice = [
        each
        for each in explain(Mount(MountType.VOLUME, "data", target), MountFacts())
        if each.code == "relative-target"
    ]
    assert advice
    assert not advice[0].fixes
