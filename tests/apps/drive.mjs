// Shows results of the real server in Chromium, uses the pages as a person does, and reports what was seen as JSON.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Chat, check } from './chat.mjs';

const given = JSON.parse(await text(process.stdin));
const require = createRequire(new URL('file://' + process.cwd() + '/'));
const { Client } = await import(require.resolve('@modelcontextprotocol/client'));
const { StdioClientTransport } = await import(require.resolve('@modelcontextprotocol/client/stdio'));

const mimeTypes = ['text/html;profile=mcp-app'];
const extensions = { 'io.modelcontextprotocol/ui': { mimeTypes } };
const client = new Client({ name: 'chat', version: '0' }, { capabilities: { extensions } });
await client.connect(new StdioClientTransport(given.server));
const tools = Object.fromEntries((await client.listTools()).tools.map((tool) => [tool.name, tool]));
const read = async (uri) => (await client.readResource({ uri })).contents[0].text;
const pages = {
  player: await read(tools.webvoice_tts._meta.ui.resourceUri),
  usage: await read(tools.webvoice_usage._meta.ui.resourceUri),
};
const chat = await Chat.start(given.chromium, client, pages);
const report = {};
const until = (seen, condition, argument) =>
  seen.frame.waitForFunction(condition, argument, { timeout: 60_000, polling: 50 });
const path = (name) => given.files[name];
const filesResult = (...names) => ({
  content: [{ type: 'text', text: '{}' }],
  structuredContent: { files: names.map((name) => path(name)), credits_used: 1.5 },
});

async function call(name, args) {
  const result = await client.callTool({ name, arguments: args });
  return { tool: tools[name], args, result };
}

/** Show a page, use it, check it and take its picture. `use` returns facts. */
async function step(name, page, options, use) {
  const started = Date.now();
  const seen = await chat.show(page, options);
  try {
    const facts = (await use(seen)) ?? {};
    const checked = await check(seen);
    await seen.tab.screenshot({ path: join(given.pictures, `${name}.png`) });
    report[name] = { ...facts, checked, messages: seen.messages, calls: seen.calls.map((made) => made.name) };
  } catch (error) {
    await seen.tab.screenshot({ path: join(given.pictures, `${name}-failed.png`) });
    const html = await seen.frame?.evaluate(() => document.querySelector('main')?.innerText).catch(() => '');
    report[name] = { failed: String(error), html, problems: seen.problems };
  }
  report[name].milliseconds = Date.now() - started;
  await seen.context.close();
}

const steps = {
  async sound() {
    const spoken = await call('webvoice_narrate', given.narrate);
    report.spoken = spoken.result;
    for (const [policy, theme, width] of [['specification', 'light', 640], ['claude', 'dark', 320]]) {
      await step(`sound-${policy}`, 'player', { ...spoken, policy, theme, width }, async (seen) => {
        const { frame } = seen;
        await until(seen, () => document.querySelector('audio')?.duration > 0 && document.querySelector('.wave path'));
        await frame.waitForSelector('.lines button');
        const lines = await frame.$$eval('.lines button', (shown) => shown.map((line) => line.textContent));
        await frame.click('.play');
        await until(seen, () => document.querySelector('audio').currentTime > 0.3);
        const current = () => frame.$eval('.lines [aria-current]', (line) => line.textContent);
        const first = await current();
        await frame.selectOption('.controls select', '0.5');
        await frame.click('.lines li:last-child button');
        await until(seen, () => document.querySelector('.lines li:last-child [aria-current]'));
        const last = await current();
        await frame.click('.play'); // pauses
        const state = await frame.$eval('audio', (audio) => ({ paused: audio.paused, rate: audio.playbackRate, at: audio.currentTime, length: audio.duration }));
        await frame.focus('.lines [tabindex="0"]');
        await frame.press('.lines [tabindex="0"]', 'ArrowUp');
        const focused = await frame.evaluate(() => document.activeElement.textContent);
        const stops = await frame.$$eval('.lines button', (shown) => shown.filter((line) => line.tabIndex === 0).length);
        await frame.focus('.timeline input');
        await frame.press('.timeline input', 'Home');
        await until(seen, () => document.querySelector('audio').currentTime === 0);
        const facts = await frame.$eval('.facts', (shown) => shown.textContent);
        await frame.click('.row button');
        await until(seen, () => document.querySelector('.row button').textContent !== 'Copy path');
        const copied = await frame.$eval('.row button', (shown) => shown.textContent);
        await frame.click('text=Ask for another like this');
        await until(seen, () => document.getElementById('status').textContent === 'Asked');
        return { lines, first, last, focused, stops, state, facts, copied, path: await frame.$eval('.path', (shown) => shown.textContent) };
      });
    }
  },

  async pictures() {
    const drawn = await call('webvoice_image', given.image);
    for (const [policy, scheme, width] of [['specification', 'dark', 320], ['claude', 'light', 1200]]) {
      await step(`pictures-${policy}`, 'player', { ...drawn, policy, scheme, width }, async (seen) => {
        const { frame } = seen;
        await until(seen, () => document.querySelector('.large img')?.naturalWidth > 0);
        await until(seen, () => [...document.querySelectorAll('.strip button')].every((small) => small.querySelector('img')));
        const large = () => frame.$eval('.large img', (picture) => ({ width: picture.naturalWidth, src: picture.src.slice(-60), alt: picture.alt }));
        const first = await large();
        await frame.focus('.large');
        await frame.press('.large', 'ArrowRight');
        await until(seen, (before) => document.querySelector('.large img').src.slice(-60) !== before, first.src);
        const second = await large();
        await frame.press('.large', '+');
        const zoomed = await frame.$eval('.large', (box) => box.scrollWidth > box.clientWidth);
        await frame.press('.large', '0');
        await frame.press('.large', 'Home');
        await until(seen, (before) => document.querySelector('.large img').src.slice(-60) === before, first.src);
        return { first, second, zoomed, place: await frame.$eval('.place', (shown) => shown.textContent) };
      });
    }
  },

  async film() {
    for (const policy of ['specification', 'claude']) {
      await step(`film-${policy}`, 'player', { policy, theme: 'light', result: filesResult('film.mp4', 'film.srt') }, async (seen) => {
        const { frame } = seen;
        await until(seen, () => document.querySelector('video')?.readyState >= 2);
        await until(seen, () => document.querySelector('video').textTracks[0]?.cues?.length === 2);
        const shown = await frame.$eval('video', async (video) => {
          const frames = new Promise((resolve) => video.requestVideoFrameCallback(() => resolve(true)));
          video.muted = true;
          await video.play();
          const cue = () => video.textTracks[0].activeCues[0]?.text;
          const presented = await frames;
          const first = cue();
          await new Promise((resolve) => {
            video.textTracks[0].addEventListener('cuechange', () => cue() && cue() !== first && resolve());
            video.currentTime = 1.2;
          });
          video.pause();
          return { presented, first, second: cue(), width: video.videoWidth, at: video.currentTime };
        });
        return shown;
      });
    }
    await step('film-9-mib', 'player', { theme: 'dark', result: filesResult('long film.mp4') }, async (seen) => {
      const { frame } = seen;
      const label = await frame.$eval('.load', (shown) => shown.textContent);
      await frame.click('.load');
      await until(seen, () => document.querySelector('video')?.readyState >= 2);
      return { label, width: await frame.$eval('video', (video) => video.videoWidth) };
    });
  },

  async job() {
    const started = await call('webvoice_tts', { ...given.tts, background: true });
    await step('job', 'player', { ...started, theme: 'light' }, async (seen) => {
      const running = await seen.frame.$eval('.words', (shown) => shown.textContent);
      await seen.tab.screenshot({ path: join(given.pictures, 'job-running.png') });
      await until(seen, () => document.querySelector('audio')?.duration > 0);
      return { running };
    });
    let polls = 0;
    const state = (done) => ({ id: 'job_1', tool: 'webvoice_narrate', state: 'running', started_at: new Date().toISOString(), parts: 12, parts_done: done });
    const answer = (job) => ({ content: [], structuredContent: { jobs: [job] } });
    const scripted = async () => {
      polls += 1;
      if (polls === 1) throw new Error('busy');
      if (polls < 4) return answer(state(polls));
      return answer({ id: 'job_1', state: 'failed', error: { code: 'timeout', message: 'It took too long.' } });
    };
    const running = { content: [], structuredContent: { job_id: 'job_1', state: 'running', files: [] } };
    await step('job-failed', 'player', { result: running, callTool: scripted }, async (seen) => {
      await until(seen, () => document.querySelector('progress')?.max === 12);
      const words = await seen.frame.$eval('.words', (shown) => shown.textContent);
      await until(seen, () => document.querySelector('[role=alert]'));
      return { words, said: await seen.frame.$eval('[role=alert]', (shown) => shown.innerText) };
    });
    const interrupted = async () => answer({ ...state(1), state: 'interrupted' });
    await step('job-interrupted', 'player', { result: running, callTool: interrupted }, async (seen) => {
      await until(seen, () => document.querySelector('[role=alert]'));
      return { said: await seen.frame.$eval('[role=alert]', (shown) => shown.innerText) };
    });
    const old = async () => answer({ ...state(1), started_at: new Date(Date.now() - 3_600_000).toISOString() });
    await step('job-of-an-hour', 'player', { result: running, callTool: old }, async (seen) => {
      await until(seen, () => document.querySelector('progress')?.max === 12);
      return { words: await seen.frame.$eval('.words', (shown) => shown.textContent) };
    });
    const others = { content: [], structuredContent: { job_id: 'job_of_somebody', state: 'running', files: [] } };
    await step('job-of-somebody-else', 'player', { result: others }, async (seen) => {
      await until(seen, () => document.querySelector('[role=alert]'));
      return { said: await seen.frame.$eval('[role=alert]', (shown) => shown.innerText) };
    });
  },

  async failed() {
    const failed = await call('webvoice_tts', { ...given.tts, output_path: 'x.wav' });
    await step('failed', 'player', { ...failed, theme: 'dark', width: 320 }, async (seen) => {
      await until(seen, () => document.querySelector('[role=alert]'));
      return { said: await seen.frame.$eval('[role=alert]', (shown) => shown.innerText), text: failed.result.content[0].text };
    });
    const why = async (seen) => {
      await until(seen, () => document.querySelector('.why:not([hidden])'));
      return { said: await seen.frame.$eval('.why', (shown) => shown.innerText), path: await seen.frame.$eval('.path', (shown) => shown.textContent) };
    };
    await step('moved', 'player', { result: filesResult('moved.png') }, why);
    await step('megapixels', 'player', { result: filesResult('megapixels.png') }, why);
    const { uri, mime_type, size_bytes } = path('many/300.png');
    const link = { type: 'resource_link', uri, mimeType: mime_type, size: size_bytes, name: '300.png' };
    await step('links-only', 'player', { result: { content: [{ type: 'text', text: 'cut' }, link] } }, async (seen) => {
      await until(seen, () => document.querySelector('.large img')?.naturalWidth === 300);
      await seen.bridge.sendToolInput({ arguments: {} });
      await seen.bridge.sendHostContextChange({ theme: 'dark', styles: { variables: { '--color-text-primary': 'rgb(250, 250, 240)' } } });
      await until(seen, () => document.documentElement.dataset.theme === 'dark');
      return { text: await seen.frame.evaluate(() => getComputedStyle(document.body).color), path: await seen.frame.$eval('.path', (shown) => shown.textContent) };
    });
    await step('too-large', 'player', { result: filesResult('too large.mp4') }, why);
    await step('broken-sound', 'player', { theme: 'dark', width: 320, result: filesResult(given.odd_name) }, why);
    await step('broken-film', 'player', { theme: 'light', result: filesResult('broken.mp4') }, why);
    const text = { files: [path('film.srt')], text: given.transcript, language: 'he' };
    await step('transcript', 'player', { theme: 'light', result: { content: [], structuredContent: text } }, async (seen) => ({
      text: await seen.frame.$eval('.text', (shown) => shown.textContent),
      direction: await seen.frame.$eval('.text', (shown) => getComputedStyle(shown).direction),
    }));
  },

  async many() {
    const result = { content: [], structuredContent: { files: given.many } };
    await step('many', 'player', { result, theme: 'light', width: 320 }, async (seen) => {
      const { frame } = seen;
      await until(seen, () => document.querySelector('.large img')?.naturalWidth > 0);
      await frame.focus('.large');
      await frame.press('.large', 'End');
      await until(seen, () => document.querySelector('.large img')?.alt.includes('(300 of 300)'));
      return { place: await frame.$eval('.place', (shown) => shown.textContent), buttons: await frame.$$eval('.strip button', (all) => all.length), stops: await frame.$$eval('.strip button', (all) => all.filter((one) => one.tabIndex === 0).length) };
    });
  },

  async usage() {
    const used = await call('webvoice_usage', { days: 30 });
    for (const [name, options] of [
      ['usage-light', { theme: 'light', width: 640 }],
      ['usage-dark', { theme: 'dark', width: 320, policy: 'claude' }],
      ['usage-year', { scheme: 'dark', width: 1200, result: given.year }],
    ]) {
      await step(name, 'usage', { ...used, ...options }, async (seen) => {
        const { frame } = seen;
        await frame.waitForSelector('svg.columns rect', { state: 'attached' });
        await frame.click('summary >> nth=1');
        const rows = await frame.$$eval('section:nth-of-type(2) tbody tr', (all) => all.map((row) => row.innerText.split('\t')));
        const total = await frame.$eval('.total', (shown) => shown.textContent);
        const label = await frame.$eval('svg.columns', (chart) => chart.getAttribute('aria-label'));
        await seen.tab.screenshot({ path: join(given.pictures, `${name}-chart.png`) });
        await frame.selectOption('#period select', '7');
        await until(seen, () => document.getElementById('status').textContent.endsWith('in 7 days'));
        return { rows, total, label };
      });
    }
  },
};

try {
  const { usage, ...others } = steps; // usage last, because it shows what the others spent
  await Promise.all(Object.values(others).map((run) => run()));
  await usage();
} finally {
  await chat.stop();
  await client.close();
}
process.stdout.write(JSON.stringify(report), () => process.exit());
