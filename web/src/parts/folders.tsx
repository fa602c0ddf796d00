// What the page may take in is decided where the server is started; this says how.
import { t } from '../prefs';

const quoted = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

export function AllowFolder({ folder }: { folder: string }) {
  const path = folder.startsWith('/') ? folder : t().ingest.folderHint;
  return (
    <div class="allow">
      <p>{t().ingest.allow}</p>
      <code>kinora serve --allow-folder {quoted(path)}</code>
      <p>{t().ingest.allowService}</p>
      <code>KINORA_ALLOW_FOLDER={path}</code>
    </div>
  );
}
