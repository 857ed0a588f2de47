// The whole journal: all events of this data directory, as they come.

import { h } from "../h.js";
import { Page } from "../page.js";
import { EventList } from "../widgets/event-list.js";
import { loading, problemBox } from "../widgets/problem.js";

export class JournalPage extends Page {
    #list = new EventList(this, null);
    #index = null;

    get title() {
        return "Journal - ren";
    }

    start() {
        this.#load();
    }

    update() {
        this.#list.update();
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
        return this.#list.keys;
    }

    view() {
        return h(
            "div", { class: "page journal" },
            h("h1", null, "Journal"),
            problemBox(this.problem),
            this.#index
                ? h(
                    "p",
                    { class: "quiet" },
                    "Everything that happened here, in the order in which it was written. Each event is "
                        + "chained to the one before by its hash; ",
                    h("code", null, "ren journal verify"),
                    " checks all of them.",
                )
                : this.problem ? null : loading(),
            this.#list.view(),
        );
    }
}
