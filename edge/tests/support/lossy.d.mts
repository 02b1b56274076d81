/** A TCP connection as a link with loss makes it. */
export class LossyLink {
  static open(to: number, how: { loss: number; delayMs: number; seed: number }): Promise<LossyLink>;
  readonly port: number;
  cut(): void;
  close(): Promise<void>;
}
