import { shortcuts, setShortcuts, t } from '../prefs';
import { Dialog } from '../parts/dialog';

export function Help({ onClose }: { onClose: () => void }) {
  const k = t().help.keys;
  const groups: [string, [string, string][]][] = [
    [
      t().help.everywhere,
      [
        ['s', k.search],
        ['b', k.library],
        ['m', k.map],
        ['a', k.ingest],
        ['d', k.theme],
        ['?', k.help],
        ['Esc', k.close],
      ],
    ],
    [
      t().help.film,
      [
        ['k', k.play],
        ['j l', k.seek],
        ['p n', k.moment],
        ['f', k.full],
        ['v', k.mute],
      ],
    ],
    [
      t().help.lists,
      [
        ['/', k.filter],
        ['← ↑ ↓ →', k.arrows],
        ['↵', k.open],
      ],
    ],
  ];
  return (
    <Dialog title={t().help.title} onClose={onClose}>
      <div class="shortcuts">
        {groups.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key.split(' ').map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input type="checkbox" checked={shortcuts.value} onChange={(e) => setShortcuts(e.currentTarget.checked)} />
        {t().help.letters}
      </label>
    </Dialog>
  );
}
