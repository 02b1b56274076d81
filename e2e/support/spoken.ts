import { expect, type CDPSession, type Page } from '@playwright/test';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A part of the browser's own tree for assistive technology. */
interface AxNode {
  ignored: boolean;
  role?: { value: string };
  name?: { value: string };
  description?: { value: string };
  value?: { value: unknown };
  properties?: { name: string; value: { value?: unknown } }[];
}

/** A screen reader that listens is given time to speak: it is interrupted by the next key. */
const PACE_MS = process.env.PONTE_ORCA ? 1_500 : 0;

/** States worth a word, as screen readers say them. */
const STATES: Record<string, (value: unknown) => string | null> = {
  expanded: (value) => (value ? 'expanded' : 'collapsed'),
  pressed: (value) => (value === 'true' || value === true ? 'pressed' : 'not pressed'),
  checked: (value) => (value === 'true' || value === true ? 'checked' : 'not checked'),
  disabled: (value) => (value ? 'unavailable' : null),
  invalid: (value) => (value && value !== 'false' ? 'invalid entry' : null),
};

/**
 * What a screen reader gets to say of a page, in order: the texts of its live regions as they change, and each element
 * that the keyboard comes to, with role, name, state and description as Chromium tells them to assistive technology.
 */
export class Spoken {
  private readonly log: string[] = [];

  private constructor(
    private readonly page: Page,
    private readonly cdp: CDPSession,
  ) {}

  /** Begins to listen. The page must be loaded. */
  static async by(page: Page): Promise<Spoken> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Accessibility.enable');
    const spoken = new Spoken(page, cdp);
    await page.exposeFunction('ponteSpoken', (words: string) => spoken.log.push(words));
    await page.evaluate(listensToLiveRegions);
    // One that tells of a page that was loaded tells of nothing else meanwhile.
    for (let pause = 0; pause < 6; pause += 1) await spoken.paces();
    return spoken;
  }

  /** Presses a key, and says what has the focus then. */
  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
    this.log.push(`[${key}]`);
    await this.look(key.endsWith('Tab') ? "(the browser's own controls)" : '(nothing)');
    await this.paces();
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    this.log.push(`[types ${text}]`);
    await this.paces();
  }

  /** Goes by the Tab key to what is called this; says everything on the way. */
  async tabTo(name: RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    for (let step = 0; step < 80; step += 1) {
      await this.press(key);
      if (name.test(this.log.at(-1) ?? '')) return;
    }
    throw new Error(`the Tab key does not reach ${name}`);
  }

  /** Waits until this is said, after what was said before. Returns where in the log. */
  async says(words: RegExp, since = 0): Promise<number> {
    const find = () => this.log.findIndex((line, at) => at >= since && words.test(line));
    await expect.poll(find, { message: `${words} is said; said was: ${this.log.slice(since).join(' | ')}` }).toBeGreaterThan(-1);
    await this.paces();
    return find();
  }

  get length(): number {
    return this.log.length;
  }

  get lines(): readonly string[] {
    return this.log;
  }

  /** Writes the log as text, for people to read. */
  keep(file: string): void {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${this.log.join('\n')}\n`);
  }

  private async paces(): Promise<void> {
    if (PACE_MS > 0) await this.page.waitForTimeout(PACE_MS);
  }

  /** Says what has the focus; `none` where nothing of the page has it. */
  async look(none = '(nothing)'): Promise<void> {
    let node = await this.focused();
    // What has it may be going at this moment.
    if (!node) node = await this.page.waitForTimeout(200).then(() => this.focused());
    if (!node) {
      this.log.push(none);
      return;
    }
    const states = (node.properties ?? []).map(({ name, value }) => STATES[name]?.(value.value) ?? null);
    const value = node.value?.value;
    const parts = [node.name?.value, role(node.role?.value), ...states, value === '' ? null : value, node.description?.value];
    this.log.push(parts.filter((part) => part !== null && part !== undefined && part !== '').join(', '));
  }

  /** What has the focus, as assistive technology is told of it; `null` where nothing of the page has it. */
  private async focused(): Promise<AxNode | null> {
    const { result } = await this.cdp.send('Runtime.evaluate', { expression: 'document.activeElement' });
    if (!result.objectId) return null;
    const { nodes } = (await this.cdp.send('Accessibility.getPartialAXTree', {
      objectId: result.objectId,
      fetchRelatives: false,
    })) as { nodes: AxNode[] };
    const node = nodes[0];
    return node && !node.ignored ? node : null;
  }
}

/** As screen readers name the roles of Chromium. */
function role(name: string | undefined): string {
  const names: Record<string, string> = { textbox: 'edit', searchbox: 'search edit', RootWebArea: 'document', combobox: 'combo box' };
  return names[name ?? ''] ?? name ?? '';
}

/** Runs in the page: tells of every change of a live region (WAI-ARIA 1.2 section 6.7.2). */
function listensToLiveRegions(): void {
  const { ponteSpoken } = window as unknown as { ponteSpoken: (words: string) => void };
  const REGIONS = '[aria-live], [role=status], [role=alert], [role=log]';
  const last = new WeakMap<Element, string>();
  const politeness = (region: Element) =>
    region.getAttribute('aria-live') ?? (region.getAttribute('role') === 'alert' ? 'assertive' : 'polite');
  const isHidden = (region: Element) => region.closest('[aria-hidden=true], [hidden], [inert]') !== null;
  const tell = (region: Element) => {
    const words = (region as HTMLElement).innerText.replace(/\s+/g, ' ').trim();
    if (words === last.get(region)) return;
    last.set(region, words);
    if (words === '' || politeness(region) === 'off' || isHidden(region)) return;
    ponteSpoken(`${politeness(region) === 'assertive' ? 'at once' : 'says'}: ${words}`);
  };
  for (const region of document.querySelectorAll<HTMLElement>(REGIONS)) {
    last.set(region, region.innerText.replace(/\s+/g, ' ').trim());
  }
  new MutationObserver((mutations) => {
    const changed = new Set<Element>();
    for (const { target, addedNodes } of mutations) {
      const element = target instanceof Element ? target : target.parentElement;
      const region = element?.closest(REGIONS);
      if (region) changed.add(region);
      // An alert speaks as it comes; other regions only when what is in them changes.
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        for (const alert of [node, ...node.querySelectorAll('*')]) if (alert.matches('[role=alert]')) changed.add(alert);
      }
    }
    for (const region of changed) if (region.isConnected) tell(region);
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}
