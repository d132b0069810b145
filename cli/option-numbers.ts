/** Numbers as options take them. */
import { InvalidArgumentError } from 'commander';

export function checkWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

export const checkPort = checkWhole(1, 65_535);
