/** Whom to speak to, and as whom. All key material is PEM. */
export type Session = {
  url: string;
  host: string;
  ca: string;
  certificate: string;
  key: string;
};

export type TransportListener = {
  /** A message on the host's down topic: the broker may have forged it. */
  onMessage(bytes: Buffer): void;
  /** The connection has ended by itself. Called at most once, and not after `close`. */
  onLost(error: Error): void;
};

export type Connection = {
  /** Resolves when the broker has it (PUBACK), which is transport and no receipt. */
  publish(topic: string, payload: Buffer): Promise<void>;
  close(): Promise<void>;
};

/** Opens one connection that already listens to the host's down topic. It never connects again by itself. */
export type Transport = (session: Session, listener: TransportListener) => Promise<Connection>;
