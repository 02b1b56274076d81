import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

/** axe has nothing to say of the page as it stands, of whatever weight. */
export function isAccessible(page: Page, where: string): Promise<void> {
  return hasNoFinding(new AxeBuilder({ page }), where);
}

async function hasNoFinding(axe: AxeBuilder, where: string): Promise<void> {
  const { violations } = await axe.analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  expect(told, `accessibility of ${where}`).toEqual([]);
}

/** Nothing makes the page scroll sideways. */
export async function isNotTooWide(page: Page, where: string): Promise<void> {
  await expect.poll(() => page.evaluate(tooWide), { message: `too wide: ${where}` }).toEqual([]);
}

/**
 * The state that the page is in stands every test of its looks, light and dark; its pictures, for people to look at, are
 * `screenshots/states/<project>-<state>-<scheme>.png`.
 */
export async function standsLooks(page: Page, state: string): Promise<void> {
  const { project } = test.info();
  await isNotTooWide(page, state);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.evaluate(standsStill);
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const axe = new AxeBuilder({ page });
    // The dark one differs by its colours alone.
    await hasNoFinding(colorScheme === 'dark' ? axe.withRules('color-contrast') : axe, `${state}, ${colorScheme}`);
    await page.screenshot({
      path: `screenshots/states/${project.name}-${state}-${colorScheme}.png`,
      animations: 'disabled',
    });
  }
}

/**
 * Lets nothing move: colours that are on their way to others are of neither scheme, and a browser does not go on with what is
 * out of sight.
 */
function standsStill(): void {
  const STILL = '* { content-visibility: visible !important; transition: none !important; animation: none !important; }';
  const is = (sheet: CSSStyleSheet) => sheet.cssRules[0]?.cssText.includes('content-visibility: visible !important');
  if (document.adoptedStyleSheets.some(is)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STILL);
  document.adoptedStyleSheets.push(sheet);
}

/** The elements that reach beyond the window, by what they are called. */
function tooWide(): string[] {
  const width = window.innerWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const beyond = [...document.querySelectorAll('body *')].filter((element) => {
    const { right, left } = element.getBoundingClientRect();
    return right > width + 0.5 || left < -0.5;
  });
  return beyond.map((element) => `${element.tagName}.${element.className}#${element.getAttribute('data-testid') ?? ''}`);
}
