import { useId } from 'preact/hooks';

export interface Option<T extends string> {
  value: T;
  label: string;
}

/** A few choices side by side: radio buttons, which arrow keys go through. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
  bare,
}: {
  label: string;
  value: T;
  options: Option<T>[];
  onChange: (value: T) => void;
  bare?: boolean;
}) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class={bare ? 'unseen' : ''}>{label}</legend>
      <div class="choice-options">
        {options.map((o) => (
          <label key={o.value}>
            <input
              type="radio"
              name={name}
              value={o.value}
              checked={o.value === value}
              onChange={() => onChange(o.value)}
            />
            <span>{o.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: Option<T>[];
  onChange: (value: T) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(e) => onChange(e.currentTarget.value as T)}>
        {options.map((o) => (
          <option key={o.value} value={o.value}>
            {o.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** From one end to the other, 0 to 1; what it means there is written at its ends. */
export function Slider({
  label,
  value,
  low,
  high,
  text,
  onInput,
}: {
  label: string;
  value: number;
  low: string;
  high: string;
  text: string;
  onInput: (value: number) => void;
}) {
  const id = useId();
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min="0"
        max="1"
        step="0.05"
        value={value}
        aria-valuetext={text}
        style={{ '--at': value }}
        onInput={(e) => onInput(e.currentTarget.valueAsNumber)}
      />
      <span class="slider-ends" aria-hidden="true">
        <span>{low}</span>
        <span>{high}</span>
      </span>
    </div>
  );
}
