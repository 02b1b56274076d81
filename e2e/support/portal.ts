import { expect, type Locator, type Page } from '@playwright/test';
import type { Person } from './stack.ts';

export type Phase = 'ringing' | 'waiting' | 'held' | 'transferring' | 'transferred' | 'parked' | 'voicemail' | 'calling_user' | 'confirming' | 'calling_far' | 'connected' | 'rejoining' | 'far_failed' | 'ending';

/** The portal in one tab, as a person sees it. */
export class Portal {
  readonly badge: Locator;
  readonly mode: Locator;
  readonly card: Locator;
  readonly userLeg: Locator;
  readonly farLeg: Locator;
  readonly duration: Locator;
  readonly cause: Locator;
  readonly ended: Locator;
  readonly dialInput: Locator;
  readonly dialSubmit: Locator;
  readonly dialError: Locator;
  readonly logRows: Locator;
  readonly toasts: Locator;

  constructor(readonly page: Page) {
    this.badge = page.getByTestId('badge');
    this.mode = page.getByTestId('mode');
    this.card = page.getByTestId('call-card');
    this.userLeg = page.getByTestId('leg-user');
    this.farLeg = page.getByTestId('leg-far');
    this.duration = page.getByTestId('call-duration');
    this.cause = page.getByTestId('cause');
    this.ended = page.getByTestId('ended-card');
    this.dialInput = page.getByTestId('dial-input');
    this.dialSubmit = page.getByTestId('dial-submit');
    this.dialError = page.getByTestId('dial-error');
    this.logRows = page.getByTestId('log-row');
    this.toasts = page.getByTestId('toast');
  }

  async open(): Promise<void> {
    await this.page.goto('/');
    await this.isConnected();
  }

  async signIn(person: Person): Promise<void> {
    await this.page.getByTestId('sign-in-user').fill(person.name);
    await this.page.getByTestId('sign-in-password').fill(person.password);
    await this.page.getByTestId('sign-in-submit').click();
  }

  async isConnected(timeout = 15_000): Promise<void> {
    await expect(this.badge).toHaveAttribute('data-state', 'connected', { timeout });
  }

  async isOver(): Promise<void> {
    await expect(this.card).toHaveCount(0, { timeout: 20_000 });
  }

  /** Opens the choice of telephone, also where one is in use. */
  private async opensChooser(): Promise<void> {
    await expect(this.mode).toHaveAttribute('data-mode', /office|telecommuting/);
    if ((await this.mode.getAttribute('data-mode')) === 'telecommuting') {
      await this.page.getByTestId('destination-change').click();
    }
  }

  /** Makes this browser the telephone that rings; it needs a microphone (`withMicrophone`). */
  async takesCallsHere(): Promise<void> {
    await this.opensChooser();
    await this.page.getByTestId('destination-browser').check();
    await this.page.getByTestId('destination-enter').click();
    await expect(this.mode).toHaveAttribute('data-mode', 'telecommuting');
    await expect(this.page.getByTestId('browser-place')).toHaveAttribute('data-place', 'here');
  }

  /** Makes a typed number the telephone that rings. */
  async telecommuteAt(number: string, confirm: 'auto' | 'on' | 'off' = 'auto'): Promise<void> {
    await this.opensChooser();
    await this.page.getByTestId('destination-number').fill(number);
    await this.page.getByTestId('destination-confirm').selectOption(confirm);
    await this.page.getByTestId('destination-enter').click();
    await expect(this.page.getByTestId('destination-number')).toHaveCount(0);
    await expect(this.mode).toHaveAttribute('data-mode', 'telecommuting');
    const shown = this.page.getByTestId('current-destination');
    await expect.poll(async () => digits(await shown.innerText())).toContain(digits(number));
  }

  async dial(number: string): Promise<void> {
    await this.dialInput.fill(number);
    await this.dialSubmit.click();
  }

  async isIn(phase: Phase, timeout?: number): Promise<void> {
    await expect(this.card).toHaveAttribute('data-phase', phase, timeout ? { timeout } : {});
  }

  /** The card of the call with a party, where several are up. */
  cardOf(number: string): Locator {
    const party = this.page.getByTestId('call-party').filter({ hasText: grouped(number) });
    return this.card.filter({ has: party });
  }

  /** Opens a page by its link, of which narrow and wide windows show one each. */
  async goTo(name: 'phone' | 'log' | 'directory' | 'voicemail' | 'settings'): Promise<void> {
    await this.page.getByTestId(`nav-${name}`).filter({ visible: true }).click();
  }

  /** Back to the user's ordinary telephone. */
  async leaves(): Promise<void> {
    await this.page.getByTestId('destination-leave').click();
    await expect(this.mode).toHaveAttribute('data-mode', 'office');
  }

  /** Puts away the messages at the edge of the window. */
  async dismissToasts(): Promise<void> {
    while ((await this.toasts.count()) > 0) {
      // It may have gone by itself.
      await this.toasts.first().getByRole('button').last().click({ timeout: 2_000 }).catch(() => undefined);
    }
  }

  async hangUp(): Promise<void> {
    await this.page.getByTestId('call-hangup').click();
  }

  /** The newest row of the log says this. */
  async logSays(outcome: string, reason: string): Promise<void> {
    const row = this.logRows.first();
    await expect(row).toHaveAttribute('data-reason', reason);
    await expect(row).toHaveAttribute('data-outcome', outcome);
  }

  /** Picture of the whole window, for people to look at. */
  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: `screenshots/${name}.png`, animations: 'disabled' });
  }
}

/** Seconds that a duration such as `0:07` or `1:00:07` shows; NaN for anything else. */
export function seconds(duration: string): number {
  return duration.split(':').reduce((sum, part) => sum * 60 + Number.parseInt(part, 10), 0);
}

/** Only the digits of a number, however it is grouped. */
export function digits(text: string): string {
  return text.replace(/\D/g, '');
}

/** A number however it is grouped. */
export function grouped(number: string): RegExp {
  return new RegExp(digits(number).split('').join('\\s*'));
}
