// The whole journal: all events of this data directory as they come, what takes its room, and whether it is whole.

import { h } from "../h.js";
import { Page } from "../page.js";
import { link } from "../router.js";
import { EventList } from "../widgets/event-list.js";
import { JournalSize } from "../widgets/journal-size.js";
import { JournalVerify } from "../widgets/journal-verify.js";
import { loading, problemBox } from "../widgets/problem.js";

const VIEWS = [["", "Events"], ["size", "Size"], ["verify", "Verify"]];

export class JournalPage extends Page {
    #list = new EventList(this, null);
    #index = null;
    #size = null;
    #verify = new JournalVerify(this);

    get title() {
        return "Journal - ren";
    }

    get #shown() {
        const { view } = this.route.query;
        return VIEWS.some(([word]) => word === view) ? view : "";
    }

    start() {
        this.#load();
        this.#open();
    }

    update() {
        this.#list.update();
        this.#open();
    }

    #open() {
        if (this.#shown !== "size") this.#size = null;
        else if (!this.#size) {
            this.#size = new JournalSize(this);
            this.#size.start();
        }
    }

    async #load() {
        await this.read(async () => {
            this.#index = await this.app.api.get("", null, this.signal);
            this.#list.start(this.#index.sequence);
            this.follow({ topic: "journal", kinds: ["event"], since: this.#index.sequence }, {
                events: (events) => this.#list.add(events), reset: () => this.#load(),
            });
        });
    }

    get keys() {
        const views = VIEWS.map(([word, name], index) => [
            String(index + 1), [name, () => this.app.router.go(link("/journal", { view: word }))],
        ]);
        return { ...(this.#shown ? {} : this.#list.keys), ...Object.fromEntries(views) };
    }

    view() {
        const shown = this.#shown;
        return h(
            "div", { class: "page journal" },
            h("h1", null, "Journal"),
            h("nav", { class: "tabs", "aria-label": "Views of the journal" }, VIEWS.map(([word, name], index) => h(
                "a", {
                    key: name, href: link("/journal", { view: word }), title: `${index + 1}`,
                    "aria-current": word === shown ? "page" : null,
                }, name))),
            problemBox(this.problem),
            shown === "size" ? this.#size?.view() : shown === "verify" ? this.#verify.view(this.#index) : this.#events(),
        );
    }

    #events() {
        return h("div", { key: "events" },
            this.#index
                ? h("p", { class: "quiet" }, "Everything that happened here, in the order in which it was written.")
                : this.problem ? null : loading(),
            this.#list.view());
    }
}
