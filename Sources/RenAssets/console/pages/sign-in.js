// No token yet: where to get one.

import { h } from "../h.js";
import { Problem } from "../api.js";
import { Page } from "../page.js";
import { problemBox } from "../widgets/problem.js";

export class SignInPage extends Page {
    #token = "";

    constructor(app, problem) {
        super(app, null);
        this.problem = problem;
    }

    view() {
        return h(
            "div", { class: "page narrow" },
            h("h1", null, "This page needs a link from ren"),
            problemBox(this.problem),
            h("p", null,
                "Run ",
                h("code", null, "ren open"),
                " on the machine where ren runs, as its user: it opens the console with a link that works "
                    + "once, within a minute.",
            ),
            h("form", { onsubmit: (event) => this.#enter(event) },
                h("div", { class: "field" },
                    h("label", { class: "label", for: "token" }, "Or paste the token"),
                    h("input", {
                        id: "token", type: "password", autocomplete: "off", value: this.#token,
                        oninput: (event) => (this.#token = event.target.value.trim()),
                    }),
                    h("p", { class: "quiet note" },
                        "It stands in the file ",
                        h("code", null, "token"),
                        " of the data directory. The page keeps it until this tab is closed.",
                    )),
                h("div", { class: "buttons" }, h("button", { type: "submit", class: "primary" }, "Enter"))),
        );
    }

    get title() {
        return "ren: sign in";
    }

    async #enter(event) {
        event.preventDefault();
        const { api } = this.app;
        const refused = api.onRefused;
        api.onRefused = () => {};
        api.token = this.#token;
        try {
            await api.get("");
            this.app.signedIn();
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            api.token = null;
            this.problem = error;
        } finally {
            api.onRefused = refused;
            this.paint();
        }
    }
}
