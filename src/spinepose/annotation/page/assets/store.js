// The server, and what waits for it: work is kept in the browser until the server has it.

const AGAIN_MS = 2000;

const keysOf = (prefix) => Object.keys(localStorage).filter((key) => key.startsWith(prefix));

export class Store {
  /** `tell(kind, text)`: how it goes; `saved(item, answer)`: what the server said to a save. */
  constructor(tell, saved) {
    this.tell = tell;
    this.saved = saved;
    this.window = Math.random().toString(36).slice(2);
    this.sending = null;
  }

  async overview() {
    const overview = await this.#ask("api/overview");
    this.project = `spinepose/${overview.key}/`;
    this.prefix = `${this.project}${this.window}/`;
    const revisions = new Map(overview.tasks.map((task) => [task.item, task.revision]));
    for (const key of keysOf(this.project)) this.#takeOver(key, revisions);
    return overview;
  }

  /** What another window left behind is sent by this one, unless something later was saved. */
  #takeOver(key, revisions) {
    const id = key.slice(key.indexOf("/", this.project.length) + 1);
    if (!revisions.has(id)) return;
    const { said } = JSON.parse(localStorage.getItem(key));
    localStorage.removeItem(key);
    if (revisions.get(id) === said.revision) this.keep(id, said, true);
  }

  /** The item; what waits to be saved is newer than what the server has. */
  async item(id) {
    await this.flush();
    const view = await this.#ask(`api/items/${encodeURIComponent(id)}`);
    const waiting = this.waiting(id);
    return waiting ? { ...view, correction: waiting.said } : view;
  }

  pictureUrl(id) { return `api/items/${encodeURIComponent(id)}/picture`; }

  /** Why a picture does not come: an error. */
  pictureError(id) {
    const unknown = () => new Error("The browser cannot show this picture.");
    return this.#ask(this.pictureUrl(id)).then(unknown, (error) => error);
  }

  /** Keep work in the browser; `ready` work is sent as soon as that is possible. */
  keep(id, said, ready) {
    localStorage.setItem(this.prefix + id, JSON.stringify({ said, ready }));
  }

  waiting(id) { return JSON.parse(localStorage.getItem(this.prefix + id)); }

  save(id, said) {
    this.keep(id, said, true);
    return this.flush();
  }

  /** Send everything that is ready, one after the other. */
  flush() {
    this.sending ??= this.#send().finally(() => { this.sending = null; });
    return this.sending;
  }

  #ready() {
    const kept = keysOf(this.prefix).map((key) => key.slice(this.prefix.length));
    return kept.filter((id) => this.waiting(id).ready);
  }

  async #send() {
    clearTimeout(this.timer);
    if (!this.#ready().length) return;
    const refused = new Map();
    const next = () => this.#ready().find((id) => !refused.has(id));
    try {
      for (let id = next(); id !== undefined; id = next()) {
        this.tell("busy", "Saving …");
        await this.#sendOne(id).catch((error) => {
          if (!error.status) throw error;
          refused.set(id, error.message);
        });
      }
      const [reason] = refused.values();
      this.tell(reason ? "bad" : "good", reason ? `${reason} (kept in this browser)` : "Saved");
    } catch {
      const count = this.#ready().length;
      const what = count === 1 ? "1 item is" : `${count} items are`;
      this.tell("bad", `Server not reached: ${what} kept in this browser until it is back`);
      this.timer = setTimeout(() => this.flush(), AGAIN_MS);
    }
  }

  async #sendOne(id) {
    const key = this.prefix + id;
    const sent = localStorage.getItem(key);
    const body = JSON.stringify(JSON.parse(sent).said);
    const answer = await this.#ask(`api/items/${encodeURIComponent(id)}`, body);
    if (localStorage.getItem(key) === sent) localStorage.removeItem(key);
    this.saved(id, answer);
  }

  async #ask(path, body) {
    const headers = body ? { "Content-Type": "application/json" } : {};
    const method = body ? "POST" : "GET";
    const answer = await fetch(path, { method, body, headers, keepalive: Boolean(body) });
    if (answer.ok) return path.endsWith("/picture") ? null : answer.json();
    const text = await answer.json().then((said) => said.error, () => answer.statusText);
    throw Object.assign(new Error(text), { status: answer.status });
  }
}
