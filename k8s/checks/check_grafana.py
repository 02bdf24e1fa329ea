"""The provisioning script against a stand-in that answers as Grafana's HTTP API does."""

import http.server
import json
import os
import threading

from lib import K8S, check, equal, main, run

SCRIPT = K8S / "grafana/provision"
TOKEN = "glsa_stand-in"


class StandIn(http.server.BaseHTTPRequestHandler):
    """Keeps what it is given. Refuses what Grafana refuses: a wrong token, a uid twice, an unknown plug-in."""

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle_call(self):
        state = self.server.state
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        state["calls"].append(f"{self.command} {self.path}")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.answer(401, {"message": "Invalid API key"})
        if state["busy"] > 0:
            state["busy"] -= 1
            return self.answer(503, {"message": "starting"})
        parts = self.path.strip("/").split("/")
        match self.command, parts:
            case "GET", ["api", "org"]:
                return self.answer(200, {"id": 1, "name": "Main Org."})
            case "POST", ["api", "plugins", plugin, "install"]:
                if plugin in state["plugins"]:
                    return self.answer(409, {"message": "Plugin already installed"})
                state["plugins"].add(plugin)
                return self.answer(200, {})
            case "GET", ["api", "datasources", "uid", uid]:
                found = state["sources"].get(uid)
                return self.answer(200, found) if found else self.answer(404, {"message": "Data source not found"})
            case "POST", ["api", "datasources"]:
                if body["uid"] in state["sources"]:
                    return self.answer(409, {"message": "data source with the same uid already exists"})
                return self.keep_source(state, body)
            case "PUT", ["api", "datasources", "uid", uid] if uid in state["sources"]:
                return self.keep_source(state, body)
            case "GET", ["api", "folders", uid]:
                found = state["folders"].get(uid)
                return self.answer(200, found) if found else self.answer(404, {"message": "folder not found"})
            case "POST", ["api", "folders"]:
                state["folders"][body["uid"]] = body
                return self.answer(200, body)
            case "POST", ["api", "dashboards", "db"]:
                return self.keep_dashboard(state, body)
        return self.answer(404, {"message": f"no such call: {self.command} {self.path}"})

    def keep_source(self, state, body):
        built_in = {"prometheus", "cloudwatch"}
        if body["type"] not in built_in | state["plugins"]:
            return self.answer(400, {"message": f"unknown type {body['type']}"})
        state["sources"][body["uid"]] = body
        return self.answer(200, {"message": "ok", "datasource": body})

    def keep_dashboard(self, state, body):
        dashboard = body["dashboard"]
        if body["folderUid"] not in state["folders"]:
            return self.answer(400, {"message": "folder not found"})
        if dashboard["uid"] in state["dashboards"] and not body.get("overwrite"):
            return self.answer(412, {"message": "version-mismatch"})
        state["dashboards"][dashboard["uid"]] = dashboard
        return self.answer(200, {"status": "success", "url": f"/d/{dashboard['uid']}"})

    do_GET = do_POST = do_PUT = handle_call

    def log_message(self, *_):
        pass


class Serving:
    """The stand-in on a free port while the block runs."""

    def __init__(self, busy=0):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
        self.state = self.server.state = {"plugins": set(), "sources": {}, "folders": {}, "dashboards": {}, "calls": [], "busy": busy}
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def provision(self, *options, token=TOKEN, ok=True, **settings):
        env = {
            "PATH": os.environ["PATH"], "GRAFANA_URL": self.url, "GRAFANA_TOKEN": token, "AWS_REGION": "us-east-1",
            "AMP_URL": "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123/", **settings,
        }
        return run("python3", SCRIPT, *options, ok=ok, env={name: value for name, value in env.items() if value is not None})


DASHBOARDS = {path.stem for path in (K8S / "dashboards").glob("*.json")}


@check
def an_empty_grafana_gets_everything():
    with Serving() as grafana:
        grafana.provision()
        state = grafana.state
    equal(state["plugins"], {"grafana-amazonprometheus-datasource", "grafana-x-ray-datasource"}, "plug-ins")
    equal({uid: found["type"] for uid, found in state["sources"].items()}, {
        "amp": "grafana-amazonprometheus-datasource", "xray": "grafana-x-ray-datasource", "cloudwatch": "cloudwatch",
    }, "data sources")
    amp = state["sources"]["amp"]
    equal((amp["url"], amp["jsonData"]["sigV4Auth"], amp["jsonData"]["sigV4Region"]), ("https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123/", True, "us-east-1"), "AMP")
    equal(len(state["dashboards"]), len(DASHBOARDS), "dashboards")
    for dashboard in state["dashboards"].values():
        text = json.dumps(dashboard)
        assert '"type": "prometheus"' not in text, f"{dashboard['title']} asks a type that is not there"
        source = next(v for v in dashboard["templating"]["list"] if v["type"] == "datasource")
        equal((source["query"], source["current"]["value"]), ("grafana-amazonprometheus-datasource", "amp"), dashboard["title"])


@check
def a_second_run_changes_nothing_but_what_differs():
    with Serving() as grafana:
        grafana.provision()
        first = json.dumps([grafana.state["sources"], grafana.state["dashboards"]], sort_keys=True)
        grafana.state["sources"]["amp"]["url"] = "https://somewhere.else.example"
        grafana.state["calls"].clear()
        grafana.provision()
        equal(json.dumps([grafana.state["sources"], grafana.state["dashboards"]], sort_keys=True), first, "state")
        assert "PUT /api/datasources/uid/amp" in grafana.state["calls"], grafana.state["calls"]
        assert "POST /api/folders" not in grafana.state["calls"], grafana.state["calls"]


@check
def another_grafana_takes_plain_prometheus():
    with Serving() as grafana:
        grafana.provision("--prometheus-type", "prometheus", AMP_URL="http://prometheus:9090")
        amp = grafana.state["sources"]["amp"]
    equal((amp["type"], "sigV4Auth" in amp["jsonData"]), ("prometheus", False), "data source")


@check
def a_grafana_that_is_still_starting_is_asked_again():
    with Serving(busy=2) as grafana:
        grafana.provision("--check")
        equal(grafana.state["calls"], ["GET /api/org"] * 3, "calls")


@check
def check_changes_nothing():
    with Serving() as grafana:
        assert "Main Org." in grafana.provision("--check").stdout
        equal((grafana.state["sources"], grafana.state["calls"]), ({}, ["GET /api/org"]), "state")


@check
def what_is_wrong_is_said_with_what_helps():
    with Serving() as grafana:
        for code, said, options in [
            (1, "the token is wrong or has ended", {"token": "glsa_old"}),
            (1, "does not answer", {"GRAFANA_URL": "http://127.0.0.1:9"}),
            (2, "AMP_URL not set", {"AMP_URL": None}),
            (2, "begins with https://", {"GRAFANA_URL": "http://grafana.example"}),
        ]:
            ended = grafana.provision(ok=False, **options)
            assert ended.returncode == code and said in ended.stderr, f"{options}: {ended.returncode} {ended.stderr}"
            assert "glsa" not in ended.stderr + ended.stdout, "the token is shown"


if __name__ == "__main__":
    main()
