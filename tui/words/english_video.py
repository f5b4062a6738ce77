"""Every English word of the screen about video. {names} are fields; nothing else in here is a format."""

CATALOGUE: dict[str, str] = {
    # --- why video failed, a window closed, a recording ended (docs/engine.md)
    "cause-source-missing": "There is no such file: {detail}. Check its name.",
    "cause-source-unreadable": "That file can't be read ({detail}). Check who may read it.",
    "cause-source-broken": "Nothing in that file can be shown. It may be cut short, or of an unknown kind.",
    "cause-source-no-video": "There are no pictures in {detail}, only sound.",
    "cause-source-too-large": "That picture is too large to be shown ({detail}): 8192 pixels a side are the most.",
    "cause-source-silent": "It did not open within 15 s. Try again, or show something else.",
    "cause-camera-absent": "There is no camera {detail}. Plug one in, or name another: /camera 1, /camera /dev/video2.",
    "cause-camera-busy": "Another program has camera {detail}. Close it there, or use another camera.",
    "cause-camera-forbidden": "You may not use camera {detail}. On Linux, join the group video and log in again.",
    "cause-camera-failed": "Camera {detail} gives no pictures any longer. Plug it in again, then /camera {detail}.",
    "cause-capture-died": "The program that takes the pictures ended. Try again, or see `visavis doctor`.",
    "cause-display-missing": "No desktop answers here, so there is no window; the picture stays in the terminal.",
    "cause-window-failed": "The desktop opened no window ({detail}); the picture stays in the terminal.",
    "cause-window-died": "The window ended at once, so it is not opened again; the picture stays in the terminal.",
    "cause-closed": "The window was closed. /window opens it again.",
    "cause-record-exists": "There is such a recording already. Try again in a second.",
    "cause-record-unwritable": "The recording can't be written ({detail}). Check the download folder.",
    "cause-record-no-space": "The disk is full, so the recording ended. What was recorded until then is kept.",
    "cause-recorder-died": "The program that records ended. What was recorded until then is kept.",
    "cause-command-no-call": "There is nobody to show anything to yet.",
    "cause-command-no-video": "There is no picture for that now.",
    "cause-command-recording": "The recording ended. Say it again to begin a new one.",
    "cause-command-not-kept": "The picture could not be kept ({detail}). Check the download folder.",
}
