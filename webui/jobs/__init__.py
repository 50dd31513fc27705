"""What takes longer than a request: the runner, its journal, and one module per kind of work."""

from webui.jobs.model import Job, JobState, LogLine, Progress
from webui.jobs.pull import start_pull
from webui.jobs.runner import Runner
from webui.jobs.tools_image import start_tools_image

__all__ = ["Job", "JobState", "LogLine", "Progress", "Runner", "start_pull", "start_tools_image"]
