// All events of a run.

import { EventList } from "../widgets/event-list.js";
import { RunPage } from "./run.js";

export class RunJournalPage extends RunPage {
    #list = null;
    #isStarted = false;

    get back() {
        return this.at.tab();
    }

    start() {
        super.start();
        this.#list = new EventList(this, this.store);
        this.atEnd(this.store.listen((events) => this.#list.add(events)));
    }

    update() {
        super.update();
        this.#list.update();
    }

    get keys() {
        return { ...super.keys, ...this.#list.keys };
    }

    content(snapshot) {
        if (!this.#isStarted) {
            this.#isStarted = true;
            this.#list.start(snapshot.version);
        }
        if (this.store.isPast) this.#list.resize(snapshot.version);
        return this.#list.view();
    }
}
