// What takes how much room in the journal.

import { h } from "../h.js";
import { link, to } from "../router.js";
import { bytes, count, percent, visible } from "../format.js";
import { loading } from "./problem.js";
import { fact, table } from "./table.js";

const SHOWN = 12;

export class JournalSize {
    #page;
    #statistics = null;

    constructor(page) {
        this.#page = page;
    }

    start() {
        this.#page.read(async () => {
            this.#statistics = await this.#page.app.api.get("/journal/stats", null, this.#page.signal);
        });
    }

    view() {
        const it = this.#statistics;
        if (!it) return this.#page.problem ? null : loading();
        const { file } = it;
        return h("div", { class: "size" },
            h("dl", { class: "facts-list" },
                fact("Events", count(it.events)), fact("Records and payloads", bytes(it.bytes)),
                fact("File", `${bytes(file.bytes)}, ${bytes(file.free_bytes)} of it free`),
                fact("It may become", `${bytes(file.map_bytes)} (${percent(file.bytes, file.map_bytes)} used)`),
                file.disk_free_bytes !== null && fact("Disk", `${bytes(file.disk_free_bytes)} free`),
                it.damaged > 0 && fact("Damaged", `${count(it.damaged)} events cannot be read`)),
            h("div", { class: "two" },
                sizes("By flow", it.flows, it.bytes, (row) => row.flow
                    ? h("a", { href: to.flow(row.flow) }, visible(row.flow)) : "of no run"),
                sizes("By run", it.runs, it.bytes, (row) => row.run === "journal" ? "journal" : h(
                    "a", { href: to.run(row.run) }, visible(row.run))),
                sizes("By type", it.types, it.bytes, (row) => h(
                    "a", { href: link("/journal", { type: row.type }) }, row.type)),
                sizes("By node", it.nodes, it.bytes, (row) => visible(`${row.flow} · ${row.node}`)),
                sizes("By day", it.days, it.bytes, (row) => row.day)));
    }
}


function sizes(title, rows, total, name) {
    return h("section", { key: title, "aria-label": title }, h("h2", null, title),
        table(
            ["Name", ["Events", "number"], ["Room", "number"], ["Share", "number"]],
            rows.slice(0, SHOWN).map((row, place) => h("tr", { key: place },
                h("td", { class: "wide" }, name(row)), h("td", { class: "number" }, count(row.events)),
                h("td", { class: "number" }, bytes(row.bytes)),
                h("td", { class: "number" }, percent(row.bytes, total))))),
        rows.length > SHOWN && h("p", { class: "quiet" }, `and ${count(rows.length - SHOWN)} more`));
}
