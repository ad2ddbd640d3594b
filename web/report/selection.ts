/** Which configurations are shown; everything on the page follows this choice. */
export class Selection {
  readonly #all: readonly string[];
  #selected: ReadonlySet<string>;
  readonly #listeners: (() => void)[] = [];

  /** `shown`: the ones that are shown at first; all if it names none of them. */
  constructor(all: readonly string[], shown: readonly string[] = []) {
    this.#all = all;
    const known = shown.filter((one) => all.includes(one));
    this.#selected = new Set(known.length === 0 ? all : known);
  }

  readonly has = (configuration: string): boolean => this.#selected.has(configuration);

  get isAll(): boolean {
    return this.#selected.size === this.#all.length;
  }

  get shown(): readonly string[] {
    return this.#all.filter(this.has);
  }

  selectAll(): void {
    this.#set(new Set(this.#all));
  }

  /** Shows or hides one configuration. If that would hide the last one, all are shown instead. */
  toggle(configuration: string): void {
    const next = new Set(this.#selected);
    if (!next.delete(configuration)) next.add(configuration);
    this.#set(next.size === 0 ? new Set(this.#all) : next);
  }

  /** Shows only this one; all again if it is already the only one. */
  only(configuration: string): void {
    const isAlone = this.#selected.size === 1 && this.#selected.has(configuration);
    this.#set(new Set(isAlone ? this.#all : [configuration]));
  }

  /** Shows only these; all if the list is empty. */
  these(configurations: readonly string[]): void {
    this.#set(new Set(configurations.length === 0 ? this.#all : configurations));
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #set(next: ReadonlySet<string>): void {
    this.#selected = next;
    for (const listener of this.#listeners) listener();
  }
}
