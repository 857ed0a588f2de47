// How this browser shows the console, and what there is to know of the service.

import { h } from "../h.js";
import { Page } from "../page.js";
import { change, settings } from "../settings.js";
import { count, moment, visible } from "../format.js";
import { badge } from "../widgets/badge.js";
import { themeChanged } from "../widgets/colours.js";
import { icon } from "../widgets/icon.js";
import { problemBox } from "../widgets/problem.js";
import { fact } from "../widgets/table.js";

const CHOICES = [
    ["theme", "Theme", [["auto", "as the system"], ["light", "light"], ["dark", "dark"]]],
    ["density", "Rows", [["dense", "dense"], ["roomy", "roomy"]]],
    ["time", "Times", [["local", "when it was"], ["relative", "how long ago"]]],
];

const GRADES = { ok: ["succeeded", "ok"], warning: ["quarantined", "warn"], broken: ["failed", "bad"] };

export class SettingsPage extends Page {
    #index = null;
    #ready = null;
    #diagnosis = null;
    #isLooking = false;

    get title() {
        return "Settings - ren";
    }

    start() {
        this.read(async () => {
            [this.#index, this.#ready] = await Promise.all([
                this.app.api.get("", null, this.signal), this.app.api.get("/health/ready", null, this.signal),
            ]);
        });
    }

    #set(name, value) {
        change({ [name]: value });
        themeChanged();
        this.paint();
    }

    view() {
        return h(
            "div", { class: "page narrow" },
            h("h1", null, "Settings"),
            h("section", { "aria-labelledby": "look" },
                h("h2", { id: "look" }, "How it looks here"),
                CHOICES.map(
                    ([name, title, options]) => h(
                        "fieldset", { key: name }, h("legend", null, title), options.map(([value, words]) => h(
                    "label", { key: value, class: "choice" },
                    h("input", {
                        type: "radio", name, value, checked: settings[name] === value,
                        onchange: () => this.#set(name, value),
                    }), " ", words)))),
                h("label", { class: "choice" },
                    h("input", {
                        type: "checkbox", checked: settings.letters,
                        onchange: (event) => this.#set("letters", event.target.checked),
                    }),
                    " single letters are commands (", h("kbd", null, "?"), " lists them)"),
                h("label", { class: "choice" },
                    h("input", {
                        type: "checkbox", checked: settings.notify, onchange: (event) => this.#notify(event.target),
                    }),
                    " tell me on the desktop when the run that this page shows ends, or first fails")),
            h("section", { "aria-labelledby": "facts" },
                h("h2", { id: "facts" }, "This ren"),
                problemBox(this.problem),
                this.#index && h("dl", { class: "facts-list" },
                    fact("Version", this.#index.version),
                    fact("Address", location.host),
                    fact("Events", count(this.#index.sequence)),
                    this.#index.time && fact("Last event", moment(this.#index.time)),
                    this.#ready && fact(
                        "Ready",
                        this.#ready.ready ? "yes" : badge("quarantined", "not ready"),
                    ), this.#ready && fact("Storage", this.#ready.storage)),
                this.#ready?.reasons.length > 0 && h("ul", null,
                    this.#ready.reasons.map((reason) => h("li", { key: reason.code },
                        visible(reason.message),
                        reason.hint && ` (${visible(reason.hint)})`,
                    )),
                ),
                h("p", null,
                    h("a", { href: "/docs" }, "The API"),
                ),
                this.#diagnosis && h("dl", { class: "facts-list", role: "status" }, this.#diagnosis.checks.map(
                    ({ name, state, text, fix }) => fact(name, [
                        icon(...GRADES[state]), ` ${visible(text)}`, fix && h("strong", null, ` ${visible(fix)}`),
                    ]))),
                h("div", { class: "buttons" },
                    h("button", { type: "button", disabled: this.#isLooking, onclick: () => this.#diagnose() },
                        "Is everything in order?"),
                    h("button", { type: "button", onclick: () => this.#leave() }, "Forget the token of this tab"),
                )));
    }

    async #diagnose() {
        this.#isLooking = true;
        this.paint();
        await this.read(async () => {
            this.#diagnosis = await this.app.api.get("/doctor", null, this.signal);
        });
        this.#isLooking = false;
        this.paint();
    }

    /** The browser asks, once. */
    async #notify(box) {
        const isWanted = box.checked && "Notification" in globalThis;
        const isAllowed = isWanted && (await Notification.requestPermission()) === "granted";
        this.#set("notify", isAllowed);
        if (box.checked && !isAllowed) this.app.toasts.say("The browser does not let this page tell you.", null, true);
    }

    #leave() {
        this.app.api.token = null;
        location.reload();
    }
}

