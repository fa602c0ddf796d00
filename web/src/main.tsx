import { render } from 'preact';
import { App } from './app';
import { followThroughout } from './ingest';
import './styles/fonts.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/library.css';
import './styles/title.css';
import './styles/search.css';
import './styles/map.css';
import './styles/ingest.css';
import './styles/narrow.css';

render(<App />, document.getElementById('app') as HTMLElement);
followThroughout();
