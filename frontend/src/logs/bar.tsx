/// What stands above a log: how it is fed, the search, and what can be done with it.
import { ArrowDownToLine, ArrowUpToLine, ChevronDown, ChevronUp, Download, Pause, Search, WrapText } from "lucide-react";
import { useState } from "react";

import { bytes } from "@/lib/format";
import { IconButton } from "@/ui/button";

import type { Matches } from "./search";
import { downloadLog, type LogSource, type LogState } from "./stream";

interface BarProps {
  source: LogSource;
  fileName: string;
  log: LogState;
  needle: string;
  setNeedle: (needle: string) => void;
  matches: Matches;
  /** Which of the matches is shown. */
  hit: number;
  jumpToHit: (hit: number) => void;
  wrap: boolean;
  setWrap: (wrap: boolean) => void;
  following: boolean;
  setFollowing: (following: boolean) => void;
  toStart: () => void;
}

export function LogBar(props: BarProps) {
  const { source, fileName, log, wrap, setWrap, following, setFollowing, toStart } = props;
  const isLive = log.status === "live" || log.status === "stale";
  return (
    <div className="flex flex-wrap items-center gap-1 border-b bg-panel px-2 py-1.5">
      <LogStatus log={log} />
      <div className="ml-auto flex min-w-0 flex-wrap items-center justify-end gap-1">
        <SearchBox {...props} />
        <IconButton label="Wrap long lines" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
          <WrapText size={16} />
        </IconButton>
        <IconButton label="Go to the beginning" onClick={toStart}>
          <ArrowUpToLine size={16} />
        </IconButton>
        <IconButton
          label={following && isLive ? "Pause: do not follow the end" : "Follow the end"}
          aria-pressed={following}
          onClick={() => setFollowing(!following)}
        >
          {following && isLive ? <Pause size={16} /> : <ArrowDownToLine size={16} />}
        </IconButton>
        <DownloadButton source={source} fileName={fileName} />
      </div>
    </div>
  );
}

function SearchBox({ needle, setNeedle, matches, hit, jumpToHit }: BarProps) {
  const { offsets, whole, busy } = matches;
  const count = `${offsets.length.toLocaleString()}${whole ? "" : "+"}`;
  const none = busy ? "searching…" : "none";
  return (
    <>
      <label className="flex h-8 min-w-0 items-center gap-2 rounded-lg border bg-panel px-2 text-sm focus-within:border-accent-solid">
        <Search size={14} className="shrink-0 text-ink-faint" aria-hidden />
        <span className="sr-only">Search the log</span>
        <input
          value={needle}
          placeholder="Search"
          spellCheck={false}
          maxLength={400}
          className="w-24 min-w-0 bg-transparent outline-none placeholder:text-ink-faint sm:w-36"
          onChange={(event) => setNeedle(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") jumpToHit(hit < 0 ? 0 : hit + (event.shiftKey ? -1 : 1));
            if (event.key === "Escape") setNeedle("");
          }}
        />
        {needle && (
          <output className="text-xs whitespace-nowrap text-ink-faint">
            {offsets.length === 0 ? none : `${Math.max(hit, 0) + 1}/${count}`}
          </output>
        )}
      </label>
      {needle && (
        <>
          <IconButton label="Previous match" onClick={() => jumpToHit(hit - 1)}>
            <ChevronUp size={16} />
          </IconButton>
          <IconButton label="Next match" onClick={() => jumpToHit(hit + 1)}>
            <ChevronDown size={16} />
          </IconButton>
        </>
      )}
    </>
  );
}

function LogStatus({ log }: { log: LogState }) {
  const size = log.bytes > 0 ? bytes(log.bytes) : "";
  const looks: Record<LogState["status"], [string, string]> = {
    connecting: ["bg-idle", "Connecting"],
    live: ["bg-accent-solid animate-breathe", "Live"],
    stale: ["bg-warn", "Disconnected, trying again"],
    complete: ["bg-good", "Complete"],
    refused: ["bg-bad", "Not available"],
    elsewhere: ["bg-info", "Before the end"],
  };
  const [dot, word] = looks[log.status];
  return (
    <p className="flex items-center gap-2 px-2 text-sm text-ink-soft" role="status">
      <span aria-hidden className={`size-2 rounded-full ${dot}`} />
      {word}
      {size && log.status !== "elsewhere" && <span className="text-ink-faint">{size}</span>}
    </p>
  );
}

function DownloadButton({ source, fileName }: { source: LogSource; fileName: string }) {
  const [state, setState] = useState<"idle" | "busy" | "failed">("idle");
  const label = { idle: "Download the log", busy: "Downloading…", failed: "The download failed; try again" }[state];
  return (
    <IconButton
      label={label}
      disabled={state === "busy"}
      className={state === "failed" ? "text-bad" : ""}
      onClick={() => {
        setState("busy");
        downloadLog(source, fileName).then(
          () => setState("idle"),
          () => setState("failed"),
        );
      }}
    >
      <Download size={16} />
    </IconButton>
  );
}
