const paths = {
  library: 'M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z',
  search: 'M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13zM15.3 15.3 20 20',
  map: 'M6 8.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM17.5 7.5a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM12 14a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM6.8 19.6a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM18 19a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z',
  ingest: 'M12 5v14M5 12h14',
  play: 'M8 5.5v13l10.5-6.5z',
  stop: 'M7 7h10v10H7z',
  open: 'M9 6h9v9M18 6 7 17',
  moon: 'M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z',
  sun: 'M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
  keys: 'M3.5 7h17v10h-17zM7 10.2h.01M10.3 10.2h.01M13.7 10.2h.01M17 10.2h.01M8 13.8h8',
  leave: 'M10 4.5H5v15h5M10 12h10M16.5 8.5 20 12l-3.5 3.5',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 6l-6 6 6 6',
  lasso:
    'M12 4c4.7 0 8.5 2.4 8.5 5.4s-3.8 5.4-8.5 5.4S3.5 12.4 3.5 9.4 7.3 4 12 4zM8.2 14.3c-1.6.7-1.9 2.2-.7 3s1.3 2 .3 3.2',
  hand: 'M12 3v18M3 12h18M12 3 9.5 5.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5',
  minus: 'M5 12h14',
  frame: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  warn: 'M12 4.5 21 19.5H3zM12 10v4.5M12 17h.01',
} as const;

export type IconName = keyof typeof paths;

/** A drawing beside a text that says the same: never alone, so it is hidden from readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={name === 'play' || name === 'stop' ? 'icon solid' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

/** The kinora of 1896 showed its pictures on leaves around a spool. */
const leaves =
  'M16 8.8 19.7 3.1M19.1 9.5 24.9 6M21.6 11.5 28.4 10.9M23 14.4 29.4 16.7M23 17.6 27.7 22.5M21.6 20.5 23.8 26.9M19.1 22.5 18.3 29.2M16 23.2 12.3 28.9M12.9 22.5 7.1 26M10.4 20.5 3.6 21.1M9 17.6 2.6 15.3M9 14.4 4.3 9.5M10.4 11.5 8.2 5.1M12.9 9.5 13.7 2.8';

export function Spool() {
  return (
    <svg class="spool" viewBox="0 0 32 32" aria-hidden="true">
      <path d={leaves} />
      <circle cx="16" cy="16" r="3.4" />
    </svg>
  );
}
