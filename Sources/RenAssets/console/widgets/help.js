// The sheet of all keys.

import { h } from "../h.js";

export function helpSheet(lists, close) {
    return h(
        "div", { class: "help" },
        h("h2", null, "Keys"),
        h("div", { class: "columns" }, lists.map(({ name, keys }) => h(
            "section", { key: name },
            h("h3", null, name),
            h("dl", { class: "keys" }, Object.entries(keys).map(([key, [what]]) => [
                h("dt", { key: `k${key}` }, key.split(" ").map((each) => h("kbd", null, each))),
                h("dd", { key: `d${key}` }, what),
            ])),
        ))),
        h("p", { class: "quiet" }, "Letters act only outside of fields. They can be switched off in the ",
            h("a", { href: "/settings", onclick: close }, "settings"), "."),
        h("div", { class: "buttons" }, h("button", { type: "button", autofocus: true, onclick: close }, "Close")),
    );
}
