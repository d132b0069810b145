/** The other engines, each in a process of Python of its own (rivals.py). */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './engines.js';

export const rivals = ['duckdbParquet', 'duckdbJsonLines', 'polarsParquet', 'polarsJsonLines', 'postgresql'] as const;
export type RivalName = (typeof rivals)[number];

/** The compiled bench lies in node_modules/.cache/concordat-bench/bench/compare. */
const cache = fileURLToPath(new URL('../../', import.meta.url));
const sources = fileURLToPath(new URL('../../../../../bench/compare/', import.meta.url));
const python = `${cache}python/bin/python`;

function rival(...given: readonly string[]): string {
  return execFileSync(python, [`${sources}rivals.py`, ...given], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Installs what is missing, from PyPI, and lays the rows out as the engines want them. */
export function prepareRivals(folder: string): void {
  if (!existsSync(python)) execFileSync('python3', ['-m', 'venv', `${cache}python`], { stdio: 'inherit' });
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--requirement', `${sources}rivals.txt`], {
    stdio: 'inherit',
  });
  rival('prepare', folder);
}

export function runRival(name: RivalName, folder: string): Outcome {
  return JSON.parse(rival(name, folder)) as Outcome;
}
