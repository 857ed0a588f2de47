// All events of a run.

import { to } from "../router.js";
import { EventList } from "../widgets/event-list.js";
import { RunPage } from "./run.js";

export class RunJournalPage extends RunPage {
    #list = null;
    #isStarted = false;

    get back() {
        return to.run(this.run);
    }

    start() {
        super.start();
        this.#list = new EventList(this, this.store);
        this.atEnd(this.store.listen((events) => this.#list.add(events)));
    }

    update() {
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
        return this.#list.view();
    }
}
