"""Images: built without an engine, the same twice, small, and started from the root file system that is in them."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

from charts import only, pod_of, rendered
from lib import K8S, ROOT, Skip, check, equal, main, run, slow
from programs import clean, free_port, get, wait_for

TARGETS = ["x86_64-unknown-linux-gnu/dist", "x86_64-unknown-linux-gnu/release"]
MOST_BYTES = 13_000_000


def static(name):
    """A program without a loader, as k8s/images/compile makes it; XRAY_STATIC names another folder."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    folders = [pathlib.Path(os.environ["XRAY_STATIC"])] if os.environ.get("XRAY_STATIC") else [target / folder for folder in TARGETS]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise Skip(f"no static {name}; k8s/images/compile makes it")


def needs(*programs):
    """Skips unless the programs are there and we are root."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise Skip(f"no {', '.join(missing)}; k8s/check tools installs them as root")
    if os.geteuid() != 0:
        raise Skip("building an image here needs root")


@contextlib.contextmanager
def built(name):
    """The image as an OCI layout; its folder and digest."""
    needs("buildah", "strip")
    with tempfile.TemporaryDirectory() as folder:
        said = run(K8S / "images/build", name, static(name), f"oci:{folder}/oci:test").stdout
        yield pathlib.Path(folder), re.search(r"sha256:[0-9a-f]{64}", said)[0]


def blob(folder, digest):
    """A JSON document of the layout."""
    return json.loads((folder / "oci/blobs/sha256" / digest.split(":")[1]).read_text())


def described(folder):
    """Manifest and configuration of the image."""
    index = json.loads((folder / "oci/index.json").read_text())
    manifest = blob(folder, index["manifests"][0]["digest"])
    return manifest, blob(folder, manifest["config"]["digest"])


@contextlib.contextmanager
def unpacked(name):
    """The root file system of the image."""
    with built(name) as (folder, _):
        needs("umoci", "bwrap")
        run("umoci", "unpack", "--image", f"{folder}/oci:test", folder / "bundle")
        # What every container runtime makes before it starts anything.
        for mount in ("proc", "dev", "sys"):
            (folder / "bundle/rootfs" / mount).mkdir(exist_ok=True)
        yield folder / "bundle/rootfs"


def contained(root, *command, binds=()):
    """The command within the root, as the charts run it: nobody's user, no capability, nothing to write."""
    mounts = [part for source, target in binds for part in ("--ro-bind", str(source), target)]
    return [
        "bwrap", "--ro-bind", str(root), "/", *mounts, "--proc", "/proc", "--dev", "/dev",
        "--unshare-user", "--unshare-pid", "--unshare-ipc", "--uid", "65532", "--gid", "65532", "--cap-drop", "ALL", "--die-with-parent", *command,
    ]


@check
@slow
def images_say_who_runs_what():
    for name, entry in [("xray-daemon", "/xray"), ("demo-app", "/demo-app")]:
        with built(name) as (folder, _):
            _, config = described(folder)
        equal(config["config"]["User"], "65532:65532", f"{name}: user")
        equal(config["config"]["Entrypoint"], [entry], f"{name}: entrypoint")
        equal((config["architecture"], config["os"]), ("amd64", "linux"), f"{name}: platform")
        equal(config["created"], "1970-01-01T00:00:00Z", f"{name}: made")
        if name == "xray-daemon":
            assert "XRAY_ADMIN=0.0.0.0:2001" in config["config"]["Env"], config["config"]["Env"]


@check
@slow
def the_same_program_gives_the_same_digest():
    for name in ("xray-daemon", "demo-app"):
        with built(name) as (_, first), built(name) as (_, second):
            equal(first, second, name)


@check
@slow
def the_daemons_image_is_small():
    with built("xray-daemon") as (folder, _):
        manifest, _ = described(folder)
    with unpacked("xray-daemon") as root:
        size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    packed = sum(layer["size"] for layer in manifest["layers"])
    print(f"xray-daemon: {size / 1e6:.1f} MB, {packed / 1e6:.1f} MB to pull")
    # What is shipped is made by profile dist.
    if static("xray-daemon").parent.name != "release":
        assert size <= MOST_BYTES, f"{size} bytes"


@check
@slow
def both_paths_of_the_daemon_start_it():
    with unpacked("xray-daemon") as root:
        for path in ("/xray", "/usr/bin/xray"):
            said = run(*contained(root, path, "--version")).stdout
            assert re.search(r"version: \d+\.\d+\.\d+", said), said


@check
@slow
def programs_need_no_other_file():
    for name, path in [("xray-daemon", "xray"), ("demo-app", "demo-app")]:
        with unpacked(name) as root:
            head = run("readelf", "--program-headers", root / path).stdout
            assert "INTERP" not in head, f"{name} wants a loader"
            programs = [found.name for found in root.rglob("*") if found.is_file() and os.access(found, os.X_OK) and not found.is_symlink()]
            equal(programs, [path], f"{name}: programs in the image")


@check
@slow
def the_daemon_is_ready_in_its_image_by_the_charts_configuration():
    text = only(rendered("helm4", "xray-daemon", "default"), "ConfigMap", "xray-daemon")["data"]["config.yaml"]
    args = pod_of(only(rendered("helm4", "xray-daemon", "default"), "DaemonSet"))["containers"][0]["args"]
    ports = {port: free_port() for port in (2000, 2001)}
    text = re.sub(r'"0\.0\.0\.0:(\d+)"', lambda found: f'"127.0.0.1:{ports[int(found[1])]}"', text)
    with unpacked("xray-daemon") as root, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        config = pathlib.Path(folder) / "config.yaml"
        config.write_text(text)
        (root / "etc/xray").mkdir()
        command = contained(root, "/xray", *args, binds=[(folder, "/etc/xray")])
        env = {**clean(), "AWS_REGION": "us-east-1", "XRAY_DRAIN_TIMEOUT": "1s"}
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            wait_for("/healthz in the image", lambda: get(f"http://127.0.0.1:{ports[2001]}/healthz")[0] == 200)
            wait_for("/readyz in the image", lambda: get(f"http://127.0.0.1:{ports[2001]}/readyz")[0] == 200)
        finally:
            process.terminate()
            process.wait(30)


@check
@slow
def the_demo_answers_in_its_image():
    port = free_port()
    with unpacked("demo-app") as root:
        process = subprocess.Popen(contained(root, "/demo-app", "proddetail", "--listen", f"127.0.0.1:{port}"), env=clean(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        try:
            wait_for("/ping in the image", lambda: get(f"http://127.0.0.1:{port}/ping")[0] == 200)
        finally:
            process.terminate()
            process.wait(30)


@check
def recipes_for_an_engine_make_the_same():
    recipe, script = (K8S / "images" / name for name in ("Containerfile", "build"))
    text = recipe.read_text()
    for said in ("USER 65532:65532", 'ENTRYPOINT ["/xray"]', 'ENTRYPOINT ["/demo-app"]', "ENV XRAY_ADMIN=0.0.0.0:2001", "crt-static", "ln -s /xray"):
        assert said in text, f"{said!r} is not in the Containerfile"
    equal(text.count("FROM scratch"), 2, "images from scratch")
    assert "linux/amd64,linux/arm64" in text and "aarch64-unknown-linux-gnu" in (K8S / "images/compile").read_text()
    config = yaml.safe_load((K8S / "images/cfg.yaml").read_text())
    equal(config["Socket"], {"UDPAddress": "0.0.0.0:2000", "TCPAddress": "0.0.0.0:2000"}, "without a file")
    assert "--timestamp 0" in script.read_text()


if __name__ == "__main__":
    main()
