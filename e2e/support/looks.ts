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
    await page.emulateMedia({ colorScheme });
    const axe = new AxeBuilder({ page });
    // The dark one differs by its colours alone.
    await hasNoFinding(colorScheme === 'dark' ? axe.withRules('color-contrast') : axe, `${state}, ${colorScheme}`);
    await page.screenshot({
      path: `screenshots/states/${project.name}-${state}-${colorScheme}.png`,
      animations: 'disabled',
    });
  }
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
