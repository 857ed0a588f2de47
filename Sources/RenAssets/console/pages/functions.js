// All functions that flows can call here.

import { h } from "../h.js";
import { Page } from "../page.js";
import { to } from "../router.js";
import { visible } from "../format.js";
import { empty, loading, problemBox } from "../widgets/problem.js";
import { table } from "../widgets/table.js";

export class FunctionsPage extends Page {
    #functions = null;

    get title() {
        return "Functions - ren";
    }

    start() {
        this.read(async () => {
            this.#functions = (await this.app.api.get("/functions", null, this.signal)).items;
        });
    }

    view() {
        return h("div", { class: "page" }, h("h1", null, "Functions"), problemBox(this.problem), this.#table());
    }

    #table() {
        if (!this.#functions) return this.problem ? null : loading();
        if (!this.#functions.length) {
            return empty(
                "No function is loaded",
                [
                    "Name Python files in ",
                    h("code", null, "ren.yaml"),
                    " or start ",
                    h("code", null, "ren serve -f functions.py"),
                    ".",
                ],
            );
        }
        return table(["Function", "What", "Where", ""], this.#functions.map((each) => h("tr", { key: each.name },
                h("td", null,
                    h("a", { href: to.function(each.name), title: each.name }, visible(each.name)),
                    each.once && h("span", { class: "quiet" }, " once"),
                ),
                h("td", { class: "cut", title: each.doc ?? "" },
                    visible((each.doc ?? "").split("\n")[0], { max: 160 }) || "–",
                ),
                h("td", { class: "code cut", title: each.file ?? "" }, place(each)),
                h("td", null, h("a", { href: to.function(each.name) }, "Try…")))));
    }
}

/** `shop.py:41`; functions of a program have no file. */
export const place = ({ file, line, language }) => (file ? `${visible(file.split("/").pop())}:${line}` : language);
