"""A shop on Flask, traced by the official X-Ray SDK for Python.

Prints `listening PORT` when it serves, and serves until it is ended. With STOCK_URL set it asks
that service how many items are left.
"""

import os
import sqlite3

import requests
from aws_xray_sdk.core import patch, xray_recorder
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
from flask import Flask
from werkzeug.serving import make_server

ITEMS = {7: "Table", 8: "Chair"}

app = Flask("shop")
xray_recorder.configure(service="shop")
patch(("sqlite3", "requests"))
XRayMiddleware(app, xray_recorder)


def name_of(item):
    """Looks the item up in a database, which the SDK sees as a call of its own."""
    database = sqlite3.connect("items.db")
    try:
        database.execute("CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("INSERT OR REPLACE INTO items VALUES (?, ?)", (item, ITEMS[item]))
        return database.execute("SELECT name FROM items WHERE id = ?", (item,)).fetchone()[0]
    finally:
        database.close()


@app.get("/items/<int:item>")
def show(item):
    segment = xray_recorder.current_segment()
    segment.set_user("ada")
    segment.put_annotation("item", item)
    with xray_recorder.in_subsegment("price") as price:
        price.put_annotation("currency", "EUR")
        price.put_annotation("sale", True)
        price.put_metadata("list", {"EUR": 49.5}, "prices")
    found = {"name": name_of(item)}
    if stock_url := os.environ.get("STOCK_URL"):
        found.update(requests.get(f"{stock_url}/stock/{item}", timeout=10).json())
    return found


@app.get("/broken")
def broken():
    with xray_recorder.in_subsegment("discount"):
        return str(49.5 / len([]))


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print("listening", server.port, flush=True)
    server.serve_forever()
