// Entry: pages work without any of this; each module adds one thing.

document.documentElement.classList.add("js");

import "./controls.js";
import "./tabs.js";
import "./tree.js";
import "./query.js";
import "./brush.js";
import "./map.js";
import "./rules.js";
import "./live.js";
import "./keys.js";
